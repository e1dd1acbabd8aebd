//! What is on a denylist is refused, by whatever way it is asked for.

use std::fs;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use pinreel_content::LEAF_BYTES;
use sqlx::PgPool;

use super::{Answer, HELLO, Site, site};

impl Site {
    pub fn deny(&self, rules: &str) {
        fs::write(self.test.app.data.denylists().join("test.deny"), rules).unwrap();
        self.test.app.denylists.refresh();
    }

    async fn status(&self, path: &str) -> StatusCode {
        self.get(path, &[]).await.status
    }
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_is_gone_by_every_way(owner: PgPool) {
    let site = site(&owner);
    let hello = site.hello.cid;
    site.deny(&format!("name: Tests\n---\n/ipfs/{hello}\n"));
    for path in [format!("/ipfs/{hello}"), site.path("/hello.txt"), site.path("/hello.txt?format=raw")] {
        let answer = site.get(&path, &[]).await;
        assert_eq!(answer.status, StatusCode::GONE, "{path}");
        assert!(text(&answer).contains("\"code\":\"denied\"") && text(&answer).contains("Tests"), "{}", text(&answer));
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    // Another codec over the same bytes, another version of the CID.
    let as_data = pinreel_content::Cid::new_v1(0x70, *hello.hash());
    assert_eq!(site.status(&format!("/ipfs/{as_data}?format=raw")).await, StatusCode::GONE);
    let v0 = pinreel_content::Cid::new_v0(*hello.hash()).unwrap();
    assert_eq!(site.status(&format!("/ipfs/{v0}")).await, StatusCode::GONE);

    assert_eq!(site.status(&site.path("/master.m3u8")).await, StatusCode::OK, "what lies beside it is there");
    let listing = site.get(&site.path("/"), &[]).await;
    assert!(!text(&listing).contains("./hello.txt") && text(&listing).contains("not served here"));
    for format in ["car", "tar"] {
        let (answer, is_whole) = site.ask_broken(&site.path(&format!("/?format={format}"))).await;
        assert_eq!((answer.status, is_whole), (StatusCode::OK, false), "{format}");
        assert!(!answer.body.windows(HELLO.len()).any(|window| window == HELLO), "{format}");
    }
    site.deny("");
    assert_eq!(site.status(&site.path("/hello.txt")).await, StatusCode::OK);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn paths_exceptions_and_reasons(owner: PgPool) {
    let site = site(&owner);
    let root = site.root;
    site.deny(&format!("/ipfs/{root}/* reason:legal\n!/ipfs/{root}/hello.txt\n/ipfs/{root}/site/*\n"));
    for (rest, status) in [
        ("/", StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS),
        ("/big.bin", StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS),
        ("/nothing", StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS),
        ("/hello.txt", StatusCode::OK),
        ("/site/", StatusCode::GONE),
        ("/site/index.html", StatusCode::GONE),
    ] {
        assert_eq!(site.status(&site.path(rest)).await, status, "{rest}");
    }
    assert_eq!(
        site.status(&format!("/ipfs/{}", site.hello.cid)).await,
        StatusCode::OK,
        "a path's rule isn't its content's"
    );
}

/// A rule about a path holds where the path is only a part of what is asked for, and from each folder on the way.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_path_is_kept_out_of_wholes(owner: PgPool) {
    let site = site(&owner);
    let (root, inner) = (site.root, site.site);
    let double = |path: &str| {
        let name = multibase::Base::Base58Btc.encode(root.hash().to_bytes());
        let digest = pinreel_content::sha256(format!("{name}/{path}").as_bytes());
        let hash = multihash::Multihash::<64>::wrap(0x12, &digest).unwrap();
        format!("//{}", multibase::Base::Base58Btc.encode(hash.to_bytes()))
    };
    for (rule, hides_hello) in [
        (format!("/ipfs/{root}/hello.txt"), true),
        (format!("/ipfs/{root}/hel*"), true),
        (double("hello.txt"), true),
        (format!("/ipfs/{root}/site/index*"), false),
        (format!("/ipfs/{inner}/index.html"), false),
        (double("site/index.html"), false),
    ] {
        site.deny(&format!("{rule}\n"));
        for whole in ["/?format=tar", "/?format=car", "/?format=car&dag-scope=all"] {
            let answer = site.get(&site.path(whole), &[]).await;
            assert_eq!(answer.status, StatusCode::GONE, "{rule} {whole}");
            let head = site.ask(axum::http::Method::HEAD, &site.path(whole), &[]).await;
            assert_eq!(head.status, StatusCode::GONE, "{rule} HEAD {whole}");
        }
        for part in ["/?format=car&dag-scope=entity", "/?format=car&dag-scope=block", "/big.bin?format=car", "/big.bin"]
        {
            assert_eq!(site.status(&site.path(part)).await, StatusCode::OK, "{rule} {part}");
        }
        let listing = site.get(&site.path("/"), &[]).await;
        let is_named = text(&listing).contains("hello.txt");
        assert_eq!(is_named, !hides_hello, "{rule}: {}", text(&listing));
        let page = site.get(&site.path("/site/"), &[]).await;
        assert_eq!(text(&page).contains("<h1>hi</h1>"), hides_hello, "{rule}");
    }
    site.deny(&format!("/ipfs/{inner}/index.html\n!/ipfs/{root}/site/index.html\n"));
    assert_eq!(site.status(&site.path("/site/index.html")).await, StatusCode::OK, "allowed from the root");
    assert_eq!(site.status(&format!("/ipfs/{inner}/index.html")).await, StatusCode::GONE);
    assert_eq!(site.status(&site.path("/?format=tar")).await, StatusCode::OK);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn another_rule_makes_another_page(owner: PgPool) {
    let site = site(&owner);
    let before = site.get(&site.path("/"), &[]).await.header("etag").to_owned();
    site.deny(&format!("/ipfs/{}/hello.txt\n", site.root));
    let after = site.get(&site.path("/"), &[("if-none-match", &before)]).await;
    assert_eq!(after.status, StatusCode::OK, "the page that names it isn't kept");
    let again = site.get(&site.path("/"), &[("if-none-match", after.header("etag"))]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    site.deny("");
    assert_eq!(site.get(&site.path("/"), &[]).await.header("etag"), before);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn rules_on_paths_leave_deep_folders_alone(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    let nested = |depth: usize| {
        let mut folder = store.put_directory([("hello.txt", site.hello.into())]).unwrap();
        for _ in 1..depth {
            folder = store.put_directory([("in", folder)]).unwrap();
        }
        store.publish(&folder.cid).unwrap();
        folder.cid
    };
    let (deep, deeper) = (nested(500), nested(520));
    let car = |root| format!("/ipfs/{root}?format=car");
    site.deny(&format!("/ipfs/{}/some/path\n", site.hello.cid));
    assert_eq!(site.status(&car(deep)).await, StatusCode::OK);
    let refused = site.get(&car(deeper), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(&refused).contains("content_too_large"), "{}", text(&refused));
    site.deny("");
    assert_eq!(site.status(&car(deeper)).await, StatusCode::OK);
}

/// An answer may go on for hours: what is denied meanwhile isn't in the rest of it.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn new_rules_hold_for_what_is_still_to_be_sent(owner: PgPool) {
    let site = site(&owner);
    let leaf = LEAF_BYTES as usize;
    let last_leaf = site.test.app.store.put_bytes(&site.big_bytes[3 * leaf..]).unwrap().cid;
    // The file's last leaf; the file behind it.
    for (path, denied) in [("/big.bin?format=car", last_leaf), ("/?format=tar", site.hello.cid)] {
        site.deny("");
        let request = Request::get(site.path(path)).body(Body::empty()).unwrap();
        let mut body = site.test.send(request).await.into_body();
        let mut bytes = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
        site.deny(&format!("/ipfs/{denied}\n"));
        let mut is_whole = true;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap()),
                Err(_) => is_whole = false,
            }
        }
        assert!(!is_whole, "{path}");
        assert!((leaf..site.big_bytes.len() + leaf).contains(&bytes.len()), "{path}: {} bytes came", bytes.len());
        assert!(!bytes.ends_with(&site.big_bytes[3 * leaf..]) && !bytes.windows(HELLO.len()).any(|part| part == HELLO));
    }
}
