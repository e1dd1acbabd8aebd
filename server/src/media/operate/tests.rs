//! The operator's calls, by session and by socket.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use pinreel_runner::{Fail, LogLine, Progress};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::wish::{Answer, Wish, fulfil};
use super::{Filter, list, show};
use crate::media::model::MAX_LOG_LINES;
use crate::media::tests::fake::{Worker, job, upload};
use crate::media::{JobState, MediaError};
use crate::testing::{ORIGIN, TestApp, operator_session};

async fn call(test: &TestApp, method: Method, path: &str, token: Option<&str>) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(format!("/api/v1/operator/{path}"));
    request = request.header(header::CONTENT_TYPE, "application/json").header(header::ORIGIN, ORIGIN);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    test.json(request.body(Body::from(json!({}).to_string())).unwrap()).await
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn only_operators_see_jobs_and_workers(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let id = job(&test, &film).await.id;
    let calls = [
        (Method::GET, "jobs".to_owned()),
        (Method::GET, format!("jobs/{id}")),
        (Method::POST, format!("jobs/{id}/retry")),
        (Method::POST, format!("jobs/{id}/cancel")),
        (Method::GET, "workers".to_owned()),
        (Method::POST, "workers/invitations".to_owned()),
        (Method::POST, "workers/x/revoke".to_owned()),
        (Method::POST, "workers/x/withdraw".to_owned()),
    ];
    for (method, path) in calls {
        assert_eq!(call(&test, method, &path, None).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(job(&test, &film).await.state, JobState::Queued);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn an_operator_lists_stops_and_restarts_jobs(owner: PgPool) {
    let test = TestApp::new(&owner);
    let token = operator_session(&owner).await;
    let token = Some(token.as_str());
    let film = upload(&test, b"film", "video/mp4").await;
    upload(&test, b"book", "application/zip").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    worker.progress(&lease, 0.5).await;

    let (status, jobs) = call(&test, Method::GET, "jobs?state=open", token).await;
    assert_eq!((status, jobs["items"].as_array().unwrap().len()), (StatusCode::OK, 1), "{jobs}");
    let shown = &jobs["items"][0];
    assert_eq!(
        (&shown["state"], &shown["worker"], &shown["speed"]),
        (&json!("running"), &json!("fake-1"), &json!(2.5))
    );
    assert_eq!((&shown["source"], &shown["file_name"]), (&json!(film), &json!("clip.mp4")));

    let path = format!("jobs/{}", lease.job);
    assert_eq!(call(&test, Method::POST, &format!("{path}/retry"), token).await.1["code"], "job_not_failed");
    assert_eq!(call(&test, Method::POST, &format!("{path}/cancel"), token).await.0, StatusCode::NO_CONTENT);
    assert_eq!(worker.progress(&lease, 0.6).await.1["code"], "lease_lost");
    let failed = job(&test, &film).await;
    assert_eq!((failed.state, failed.code.as_deref()), (JobState::Failed, Some("cancelled")));
    assert_eq!(call(&test, Method::POST, &format!("{path}/cancel"), token).await.1["code"], "job_over");

    assert_eq!(call(&test, Method::POST, &format!("{path}/retry"), token).await.0, StatusCode::NO_CONTENT);
    assert_eq!(worker.lease().await.unwrap().epoch, 2);
    let (_, details) = call(&test, Method::GET, &path, token).await;
    let log: Vec<&str> = details["log"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(
        log,
        ["given to fake-1", "the operator cancelled it", "the operator had it tried again", "given to fake-1"]
    );
    for wrong in ["jobs/x", "jobs/00000000-0000-0000-0000-000000000000"] {
        assert_eq!(call(&test, Method::GET, wrong, token).await.1["code"], "job_unknown");
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn pages_follow_one_another(owner: PgPool) {
    let test = TestApp::new(&owner);
    for n in 0..5 {
        upload(&test, format!("film {n}").as_bytes(), "video/mp4").await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = list(&test.app, Filter::All, after.as_deref(), 2).await.unwrap();
        seen.extend(page.items.into_iter().map(|item| item.job.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.windows(2).all(|two| two[0] > two[1]));
    assert!(list(&test.app, Filter::Failed, None, 2).await.unwrap().items.is_empty());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_log_keeps_each_line_once_and_only_the_last(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let told = |from: u32, count: u32| Progress {
        epoch: lease.epoch,
        stage: "transcoding".into(),
        fraction: 0.1,
        speed: None,
        left_ms: None,
        rungs: Vec::new(),
        log: (from..from + count)
            .map(|number| LogLine { number, text: format!("line {number}\u{7}\u{202e}") })
            .collect(),
    };
    let path = format!("jobs/{}/progress", lease.job);
    for _ in 0..2 {
        assert_eq!(worker.post(&path, &lease.token, &told(0, 3)).await.0, StatusCode::OK);
    }
    let log = show(&test.app, &lease.job).await.unwrap().log;
    assert_eq!(
        log.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        ["given to fake-1", "line 0", "line 1", "line 2"]
    );

    for part in 0..4 {
        worker.post(&path, &lease.token, &told(3 + part * 100, 100)).await;
    }
    let log = show(&test.app, &lease.job).await.unwrap().log;
    assert_eq!(i64::try_from(log.len()).unwrap(), MAX_LOG_LINES);
    assert_eq!(log.last().unwrap().text, "line 402");

    let fail = Fail {
        epoch: lease.epoch,
        code: "no_picture".into(),
        reason: "No \u{2066}picture.".into(),
        retryable: false,
        needs_codec: None,
        log: vec![LogLine { number: 500, text: "moov atom not found".into() }],
    };
    worker.post(&format!("jobs/{}/fail", lease.job), &lease.token, &fail).await;
    let log = show(&test.app, &lease.job).await.unwrap().log;
    let last: Vec<&str> = log[log.len() - 2..].iter().map(|line| line.text.as_str()).collect();
    assert_eq!(last, ["moov atom not found", "failed (no_picture): No picture; it is given up"]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_released_job_goes_back_and_counts_as_no_try(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    for _ in 0..5 {
        let lease = worker.lease().await.unwrap();
        assert_eq!(worker.release(&lease).await.0, StatusCode::NO_CONTENT);
        assert_eq!(job(&test, &film).await.state, JobState::Queued);
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_socket_answers_as_the_api_does(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let id = job(&test, &film).await.id.to_string();
    let wish = Wish::Jobs { filter: Filter::Open, after: None, limit: 10 };
    let Answer::Jobs(jobs) = fulfil(&test.app, wish).await.unwrap() else { panic!("another answer") };
    assert_eq!(jobs.items[0].job.id.to_string(), id);
    assert_eq!(fulfil(&test.app, Wish::Cancel { id: id.clone() }).await.unwrap(), Answer::Done);
    let over = fulfil(&test.app, Wish::Cancel { id }).await.unwrap_err();
    assert!(matches!(over, MediaError::JobOver("failed")));
    assert_eq!(fulfil(&test.app, Wish::Workers).await.unwrap(), Answer::Workers(Vec::new()));
}
