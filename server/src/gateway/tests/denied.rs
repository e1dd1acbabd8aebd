//! What is on a denylist is refused, by whatever way it is asked for.

use std::fs;

use axum::http::StatusCode;
use sqlx::PgPool;

use super::{Answer, Site, site};

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
        assert!(!answer.body.windows(super::HELLO.len()).any(|window| window == super::HELLO), "{format}");
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
