//! CAR answers, by what is in them: read back by our own reader, which checks every hash, and by another one.

use axum::http::{Method, StatusCode};
use pinreel_content::{Cid, Store, Visibility, car, dag_pb_cid, dagpb, raw_cid, sha256};
use sqlx::PgPool;

use super::{HELLO, Site, site};

/// The roots and blocks of a CAR file.
fn read(bytes: &[u8]) -> (Vec<Cid>, Vec<Cid>) {
    let mut reader = car::BlockReader::new(bytes).unwrap();
    let roots = reader.roots().to_vec();
    let mut cids = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        cids.push(block.cid);
    }
    (roots, cids)
}

impl Site {
    async fn car(&self, rest: &str) -> (Vec<Cid>, Vec<Cid>) {
        let path = self.path(rest);
        let answer = self.get(&path, &[("accept", "application/vnd.ipld.car")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{rest}");
        assert!(answer.header("content-type").starts_with("application/vnd.ipld.car; version=1; order=dfs; dups="));
        assert_eq!(answer.header("accept-ranges"), "none");
        assert!(answer.header("content-disposition").starts_with("attachment;"));
        assert!(answer.header("etag").starts_with("W/\""));
        read(&answer.body)
    }

    fn leaves(&self) -> Vec<Cid> {
        self.big_bytes.chunks(1024 * 1024).map(|leaf| raw_cid(sha256(leaf))).collect()
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn scopes_hold_what_they_say(owner: PgPool) {
    let site = site(&owner);
    let (root, big, hello) = (site.root, site.big.cid, site.hello.cid);
    let leaves = site.leaves();
    let file = |leaves: &[Cid]| [&[root, big][..], leaves].concat();
    for (query, expected) in [
        ("/hello.txt", vec![root, hello]),
        ("/big.bin?dag-scope=block", file(&[])),
        ("/big.bin?dag-scope=entity", file(&leaves)),
        ("/big.bin", file(&leaves)),
        ("/big.bin?entity-bytes=0:0", file(&leaves[..1])),
        ("/big.bin?entity-bytes=1048575:1048576", file(&leaves[..2])),
        ("/big.bin?entity-bytes=-1:*", file(&leaves[3..])),
        ("/big.bin?entity-bytes=1048576:-1048576", file(&leaves[1..3])),
        ("/big.bin?dag-scope=block&entity-bytes=2097152:2097152", file(&leaves[2..3])),
        // The end comes before the beginning once the size is known: the root shows why.
        ("/big.bin?entity-bytes=3000000:-3000000", file(&[])),
        ("/site?dag-scope=entity&entity-bytes=0:10", vec![root, site.site]),
        ("?dag-scope=entity", vec![root]),
    ] {
        let (roots, cids) = site.car(query).await;
        assert_eq!(cids, expected, "{query}");
        assert_eq!(roots.len(), 1, "{query}");
    }
    let (roots, cids) = site.car("/nothing").await;
    assert_eq!((roots[0].to_string().as_str(), cids), ("bafkqaaa", vec![root]), "what shows that it isn't there");

    let (_, all) = site.car("?dag-scope=all").await;
    assert_eq!(all.iter().filter(|cid| **cid == hello).count(), 1);
    let (_, twice) = site.car("?dag-scope=all&car-dups=y").await;
    assert_eq!(twice.iter().filter(|cid| **cid == hello).count(), 2, "it is there under two names");
    assert_eq!(twice.len(), all.len() + 1);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn another_reader_takes_it(owner: PgPool) {
    let site = site(&owner);
    let answer = site.get(&site.path("/?format=car"), &[]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let store = Store::open(elsewhere.path()).unwrap();
    store.import_car(&answer.body[..], Visibility::Private).unwrap();
    let file = store.open_file(&store.resolve(&site.root, &["big.bin"]).unwrap().unwrap().cid).unwrap().unwrap();
    let mut bytes = vec![0; site.big_bytes.len()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert!(bytes == site.big_bytes);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn shards_on_the_way_come_too(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    let names: Vec<String> = (0..6000).map(|i| format!("seg-{i:05}-{}.m4s", "x".repeat(20))).collect();
    let entries = names.iter().map(|name| (name.as_str(), site.hello.into()));
    let folder = store.put_directory(entries).unwrap().cid;
    store.publish(&folder).unwrap();
    let of = async |rest: String| {
        let answer = site.get(&format!("/ipfs/{folder}{rest}"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{rest}");
        read(&answer.body).1
    };
    let step = store.step(&folder, &names[17]).unwrap().unwrap();
    assert!(!step.shards.is_empty());
    let cids = of(format!("/{}?format=car", names[17])).await;
    assert_eq!(cids, [vec![folder], step.shards, vec![site.hello.cid]].concat());
    let entity = of("?format=car&dag-scope=entity".to_owned()).await;
    let all = of("?format=car".to_owned()).await;
    assert!(entity.len() > 200 && !entity.contains(&site.hello.cid));
    assert_eq!(all.len(), entity.len() + 1, "6000 names of one file");
    let absent = of("/nothing?format=car".to_owned()).await;
    assert_eq!(absent[0], folder);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn parameters_are_checked_and_tags_depend_on_them(owner: PgPool) {
    let site = site(&owner);
    for (query, code) in [
        ("dag-scope=everything", "dag_scope_unknown"),
        ("entity-bytes=5", "entity_bytes_malformed"),
        ("entity-bytes=5:4", "entity_bytes_malformed"),
        ("entity-bytes=99999999:*", "entity_bytes_outside"),
        ("entity-bytes=-9999999999:-9999999998", "entity_bytes_outside"),
        ("car-version=2", "car_form_unsupported"),
        ("car-order=bfs", "car_form_unsupported"),
        ("car-dups=x", "car_form_unsupported"),
    ] {
        let answer = site.get(&site.path(&format!("/big.bin?format=car&{query}")), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(std::str::from_utf8(&answer.body).unwrap().contains(code), "{query}");
    }
    let mut tags = Vec::new();
    for rest in ["/big.bin", "/hello.txt", "/ą b%25.txt", "/big.bin"] {
        for query in
            ["", "&dag-scope=block", "&dag-scope=entity", "&entity-bytes=0:5", "&entity-bytes=0:6", "&car-dups=y"]
        {
            let path = site.path(&format!("{rest}?format=car{query}")).replace('ą', "%C4%85").replace(' ', "%20");
            let answer = site.ask(Method::HEAD, &path, &[]).await;
            assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0), "{path}");
            let tag = answer.header("etag").to_owned();
            let again = site.get(&path, &[("if-none-match", &tag)]).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
            tags.push(tag);
        }
    }
    let (first, repeated) = tags.split_at(18);
    assert_eq!(&first[..6], repeated);
    let different: std::collections::HashSet<_> = first.iter().collect();
    assert_eq!(different.len(), 18);
}

/// What is missing, private or known to be damaged ends the file with an error.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_can_t_be_given_breaks_the_file_off(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    let secret = store.put_bytes(b"a private upload").unwrap().cid;
    let absent = raw_cid(sha256(b"never held"));
    for closed in [secret, absent] {
        let mut block = Vec::new();
        dagpb::push_link(&mut block, &site.hello.cid, "a", 1);
        dagpb::push_link(&mut block, &closed, "b", 1);
        dagpb::push_data(&mut block, &[0x08, 0x01]);
        let folder = dag_pb_cid(sha256(&block));
        let car = [car::header(&[folder]), car::frame(&folder, &block)].concat();
        store.import_car(&car[..], Visibility::Public).unwrap();

        let (answer, is_whole) = site.ask_broken(&format!("/ipfs/{folder}?format=car")).await;
        assert_eq!((answer.status, is_whole), (StatusCode::OK, false));
        assert_eq!(read(&answer.body).1, [folder, site.hello.cid], "what came before it is right");
        let direct = site.get(&format!("/ipfs/{folder}/b?format=car"), &[]).await;
        assert_eq!(direct.status, StatusCode::NOT_FOUND);
        let tar = site.ask_broken(&format!("/ipfs/{folder}?format=tar")).await;
        assert_eq!((tar.0.status, tar.1), (StatusCode::OK, false));
    }
    // A byte of the file's second leaf turns over on the disk.
    let file = walk(site.test.app.data.content().join("blobs"), &site.big.cid.to_string());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[1_500_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(store.scrub(&site.big.cid, |_| ()).unwrap().damaged, 1);
    let second = site.leaves()[1];
    for (method, path, wanted) in [
        (Method::GET, format!("/ipfs/{second}"), StatusCode::INTERNAL_SERVER_ERROR),
        (Method::HEAD, format!("/ipfs/{second}"), StatusCode::INTERNAL_SERVER_ERROR),
        (Method::GET, site.path("/big.bin"), StatusCode::INTERNAL_SERVER_ERROR),
        (Method::HEAD, site.path("/big.bin"), StatusCode::INTERNAL_SERVER_ERROR),
        (Method::GET, format!("/ipfs/{}", site.leaves()[0]), StatusCode::OK),
    ] {
        assert_eq!(site.ask(method.clone(), &path, &[]).await.status, wanted, "{method} {path}");
    }
    let providers = site.get(&format!("/routing/v1/providers/{second}"), &[]).await;
    assert!(!String::from_utf8_lossy(&providers.body).contains("peer"), "{:?}", providers.body);
    let (answer, is_whole) = site.ask_broken(&site.path("/big.bin?format=car")).await;
    assert!(!is_whole);
    assert_eq!(read(&answer.body).1, [site.root, site.big.cid, site.leaves()[0]]);
}

fn walk(folder: std::path::PathBuf, name: &str) -> std::path::PathBuf {
    let shards = std::fs::read_dir(folder).unwrap().map(|shard| shard.unwrap().path().join(name));
    shards.into_iter().find(|path| path.exists()).unwrap()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_probe_is_answered(owner: PgPool) {
    let site = site(&owner);
    let raw = site.get("/ipfs/bafkqaaa?format=raw", &[]).await;
    assert_eq!((raw.status, raw.body.len()), (StatusCode::OK, 0));
    let car = site.get("/ipfs/bafkqaaa?format=car", &[]).await;
    assert_eq!(read(&car.body), (vec!["bafkqaaa".parse().unwrap()], vec![]));
    let folder = format!("/ipfs/{}/", site.root);
    for path in ["/ipfs/bafkqaaa?format=car", &format!("{folder}?format=tar"), &folder] {
        let head = site.ask(Method::HEAD, path, &[]).await;
        assert_eq!(head.status, StatusCode::OK, "{path}");
        assert_eq!(head.header("content-length"), "", "{path}: a length that isn't known is no length of 0");
    }
    let inline = Cid::new_v1(0x55, multihash::Multihash::wrap(0, HELLO).unwrap());
    assert_eq!(site.get(&format!("/ipfs/{inline}"), &[]).await.body, HELLO);
}
