//! Pages that the gateway makes: folders small and large, and blocks of data.

use axum::http::{Method, StatusCode};
use pinreel_content::{Cid, Visibility, car, sha256};
use sqlx::PgPool;

use super::{HELLO, site};

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_folder_is_a_page_that_people_can_read(owner: PgPool) {
    let site = site(&owner);
    let listing = site.get(&site.path("/"), &[]).await;
    let page = String::from_utf8(listing.body.to_vec()).unwrap();
    assert_eq!(listing.header("cache-control"), "public, max-age=604800, stale-while-revalidate=2678400");
    assert_eq!(listing.header("etag"), format!("\"DirIndex-2_CID-{}\"", site.root));
    assert!(listing.header("content-security-policy").starts_with("sandbox allow-downloads; default-src 'none'"));
    for part in
        ["5 entries", "href=\"?format=tar\"", "href=\"./site/\">site/</a>", "3.0 MiB", "href=\"./%C4%85%20b%25.txt\""]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
    let place = |name: &str| page.find(&format!(">{name}</a>")).unwrap();
    assert!(place("site/") < place("big.bin") && place("big.bin") < place("hello.txt"), "folders first");
    assert!(!page.contains("<script") && !page.contains("href=\"../\""));
    let head = site.ask(Method::HEAD, &site.path("/"), &[]).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("etag"), listing.header("etag"));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_large_folder_is_streamed(owner: PgPool) {
    let site = site(&owner);
    let store = &site.test.app.store;
    let names: Vec<String> = (0..12_000).map(|i| format!("segment-{i:06}.m4s")).collect();
    let root = store.put_directory(names.iter().map(|name| (name.as_str(), site.hello.into()))).unwrap().cid;
    store.publish(&root).unwrap();
    let listing = site.get(&format!("/ipfs/{root}/"), &[]).await;
    assert!(!listing.headers.contains_key("content-length"));
    let page = String::from_utf8(listing.body.to_vec()).unwrap();
    assert!(page.contains("more than 2000 entries") && page.ends_with("</html>\n"));
    let shown = page.split("href=\"./").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name);
    assert_eq!(shown.collect::<std::collections::BTreeSet<_>>(), names.iter().map(String::as_str).collect());
    let file = site.get(&format!("/ipfs/{root}/{}", names[11_999]), &[]).await;
    assert_eq!(file.body, HELLO);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn data_has_a_page_for_people_only(owner: PgPool) {
    let site = site(&owner);
    let text =
        format!(r#"{{"name":"<script>","link":{{"/":"{}"}},"list":[1,{{"/":"{}"}}]}}"#, site.hello.cid, site.root);
    let data = Cid::new_v1(0x0129, *pinreel_content::raw_cid(sha256(text.as_bytes())).hash());
    let file = [car::header(&[data]), car::frame(&data, text.as_bytes())].concat();
    site.test.app.store.import_car(&file[..], Visibility::Public).unwrap();
    let path = format!("/ipfs/{data}");
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

    let page = site.get(&path, &browser).await;
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    assert_eq!(page.header("etag"), format!("\"DagIndex-2_CID-{data}\""));
    assert!(html.contains("DAG-JSON") && html.contains("2 links") && html.contains("?format=dag-json"), "{html}");
    assert!(html.contains(&format!("href=\"/ipfs/{}\"", site.hello.cid)) && !html.contains("<script"));
    let again = site.get(&path, &[browser[0], ("if-none-match", page.header("etag"))]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);

    for (query, headers) in [("", &[][..]), ("?format=dag-json", &browser[..]), ("?download=true", &browser[..])] {
        let answer = site.get(&format!("{path}{query}"), headers).await;
        assert_eq!(answer.body, text.as_bytes(), "{query}");
        assert_eq!(answer.header("content-type"), "application/vnd.ipld.dag-json");
    }
    // Through the data to a file, and to a file in a folder that it links to.
    assert_eq!(site.get(&format!("{path}/link"), &[]).await.body, HELLO);
    let deep = site.get(&format!("{path}/list/1/hello.txt"), &[]).await;
    assert_eq!(deep.body, HELLO);
    assert_eq!(deep.header("x-ipfs-roots"), format!("{data},{data},{},{}", site.root, site.hello.cid));
    for (rest, status, code) in [
        ("/name", StatusCode::NOT_IMPLEMENTED, "path_inside_block"),
        ("/list", StatusCode::NOT_IMPLEMENTED, "path_inside_block"),
        ("/nothing", StatusCode::NOT_FOUND, "not_there"),
        ("/list/7", StatusCode::NOT_FOUND, "not_there"),
        ("/name/x", StatusCode::NOT_FOUND, "not_there"),
    ] {
        let answer = site.get(&format!("{path}{rest}"), &[]).await;
        assert_eq!(answer.status, status, "{rest}");
        assert!(std::str::from_utf8(&answer.body).unwrap().contains(code), "{rest}");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn names_and_forms_for_saving(owner: PgPool) {
    let site = site(&owner);
    let answer = site.get(&site.path("/hello.txt?filename=test%D1%82%22.pdf"), &[]).await;
    assert_eq!(
        answer.header("content-disposition"),
        "inline; filename=\"test__.pdf\"; filename*=UTF-8''test%D1%82%22.pdf"
    );
    assert_eq!(answer.header("content-type"), "application/pdf", "by the name that was asked for");
    let saved = site.get(&site.path("/hello.txt?download=true"), &[]).await;
    assert!(saved.header("content-disposition").starts_with("attachment; filename=\"hello.txt\""));
    // A program that likes JSON best but takes anything gets the file.
    let usual = site.get(&site.path("/hello.txt"), &[("accept", "application/json, text/plain, */*")]).await;
    assert_eq!((usual.status, usual.header("content-location")), (StatusCode::OK, ""));
    let strict = site.get(&site.path("/hello.txt"), &[("accept", "application/json")]).await;
    assert_eq!(strict.status, StatusCode::NOT_ACCEPTABLE);
}
