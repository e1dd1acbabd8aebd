//! From a worker's numbers to a root in the store.

use axum::http::StatusCode;
use http_body_util::BodyExt;
use pinreel_content::{Cid, parse_cid};
use sqlx::PgPool;

use super::fake::{Worker, job, made, upload};
use crate::media::{self, JobState};
use crate::testing::TestApp;

fn read(test: &TestApp, root: &Cid, path: &[&str]) -> Vec<u8> {
    let node = test.app.store.resolve(root, path).unwrap().expect("it is in the root");
    let file = test.app.store.open_file(&node.cid).unwrap().unwrap();
    let mut bytes = vec![0; usize::try_from(file.size_bytes()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_result_becomes_a_private_root_with_playlists(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    Worker::new(&test).work().await;

    let done = job(&test, &film).await;
    assert_eq!((done.state, done.fraction, done.duration_ms), (JobState::Complete, 1.0, Some(2_000)));
    assert_eq!(done.warnings, ["The end of the file is missing."]);
    let root = done.root.unwrap();
    assert_eq!(media::root_of(&test.app.database, "nobody", &film).await.unwrap(), Some(root.clone()));

    let cid = parse_cid(&root).unwrap();
    let names: Vec<String> = test.app.store.list(&cid).unwrap().unwrap().into_iter().map(|entry| entry.name).collect();
    let beside =
        ["chapters.json", "chapters.vtt", "master.m3u8", "poster.jpg", "s0", "storyboard", "v720", "video.mp4"];
    assert_eq!(names, [&["a0"], &beside[..], &["waveform.json"]].concat());
    let (_, files) = made(&film);
    for file in &files {
        let path: Vec<&str> = file.name.split('/').collect();
        assert_eq!(read(&test, &cid, &path), file.bytes, "{}", file.name);
    }
    let master = String::from_utf8(read(&test, &cid, &["master.m3u8"])).unwrap();
    assert!(
        master.contains(
            "RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO=\"audio\",CLOSED-CAPTIONS=NONE,SUBTITLES=\"subtitles\"\n\
             v720/media.m3u8\n#EXT-X-I-FRAME-STREAM-INF:"
        ),
        "{master}"
    );
    let keyframes = String::from_utf8(read(&test, &cid, &["v720", "iframes.m3u8"])).unwrap();
    assert!(keyframes.contains("#EXT-X-BYTERANGE:1@0\nseg-00001.m4s\n"), "{keyframes}");
    let audio = String::from_utf8(read(&test, &cid, &["a0", "media.m3u8"])).unwrap();
    assert!(audio.contains("#EXTINF:1.002667,\nseg-00000.m4s\n#EXTINF:0.997333,\nseg-00001.m4s\n"), "{audio}");

    assert!(!test.app.store.is_public(&cid).unwrap(), "nothing was published");
    let pins = test.app.store.pins().unwrap();
    let pin = pins.iter().find(|pin| pin.cid == cid).expect("kept from the moment that the worker hears so");
    assert!(pin.owner.starts_with("rendition:"), "{pin:?}");
    let answer = test.send(axum::http::Request::get(format!("/ipfs/{root}")).body("".into()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(!answer.into_body().collect().await.unwrap().to_bytes().is_empty());

    let rendition = media::rendition_at(&test.app.database, &root).await.unwrap().unwrap();
    assert_eq!((rendition.worker.as_str(), rendition.record), ("fake-1", None));
    let heights: Vec<Option<u32>> = rendition.rungs.iter().map(|rung| rung.height).collect();
    assert_eq!(heights, [Some(720), None]);
    assert_eq!(rendition.rungs.iter().map(|rung| rung.is_remuxed).collect::<Vec<_>>(), [true, false]);
    assert_eq!(rendition.rungs[1].loudness.map(|loudness| loudness.integrated_centi_lufs), Some(-2310));
    let texts = String::from_utf8(read(&test, &cid, &["s0", "media.m3u8"])).unwrap();
    assert!(texts.contains("#EXTINF:2.000,\ncaptions.vtt\n"), "{texts}");
    let told: Vec<&str> = done.rungs.iter().map(|rung| rung.why.as_str()).collect();
    assert_eq!(told, ["The source fits as it is.", "Encoded, because it has 6 channels."]);
    assert!(rendition.rungs[0].bandwidth.unwrap() > rendition.rungs[0].peak_bps);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn completing_twice_is_answered_twice_and_done_once(owner: PgPool) {
    let test = TestApp::new(&owner);
    let film = upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let result = worker.deliver(&lease).await;
    for _ in 0..2 {
        assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
    }
    let count: i64 = sqlx::query_scalar("select count(*) from rendition").fetch_one(&owner).await.unwrap();
    assert_eq!(count, 1);
    assert_eq!(worker.progress(&lease, 1.0).await.1["code"], "lease_lost");
    assert_eq!(job(&test, &film).await.state, JobState::Complete);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_result_needs_all_its_files_with_their_bytes(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let (result, files) = made(&lease.source.cid);
    for file in &files {
        assert_eq!(worker.complete(&lease, &result).await.1["code"], "file_missing");
        worker.put(&lease, file).await;
    }
    let mut other = result.clone();
    other.video[0].segments[0].file.bytes += 1;
    assert_eq!(worker.complete(&lease, &other).await.1["code"], "file_missing");
    let mut other = result.clone();
    other.poster.as_mut().unwrap().cid = files[0].cid();
    assert_eq!(worker.complete(&lease, &other).await.1["code"], "file_missing");
    assert_eq!(worker.complete(&lease, &result).await.0, StatusCode::NO_CONTENT);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn numbers_out_of_bounds_are_refused(owner: PgPool) {
    let test = TestApp::new(&owner);
    upload(&test, b"film", "video/mp4").await;
    let worker = Worker::new(&test);
    let lease = worker.lease().await.unwrap();
    let good = worker.deliver(&lease).await;
    type Spoil = fn(&mut pinreel_runner::Transcoded);
    let cases: [(&str, Spoil); 22] = [
        ("nothing", |result| (result.video, result.audio) = (vec![], vec![])),
        ("no duration", |result| result.duration_ms = 0),
        ("a year", |result| result.duration_ms = 365 * 86_400_000),
        ("no segments", |result| result.audio[0].segments.clear()),
        ("no ticks", |result| result.video[0].segments[1].ticks = 0),
        ("an hour's segment", |result| result.video[0].segments[1].ticks = 12_800 * 3_600),
        ("no timescale", |result| result.video[0].timescale = 0),
        ("no frame rate", |result| result.video[0].frame_rate.den = 0),
        ("no height", |result| result.video[0].height = 0),
        ("quotes", |result| result.video[0].codecs = "avc1\",URI=\"x".into()),
        ("a line", |result| result.audio[0].language = Some("en\n#EXT".into())),
        ("elsewhere", |result| result.video[0].name = "../v720".into()),
        ("sound as picture", |result| result.video[0].name = "a0".into()),
        ("wrong order", |result| result.video[0].segments.reverse()),
        ("a keyframe too few", |result| result.video[0].keyframe_bytes.truncate(1)),
        ("a keyframe of nothing", |result| result.video[0].keyframe_bytes[0] = 0),
        ("a keyframe beyond its segment", |result| result.video[0].keyframe_bytes[1] = u32::MAX),
        ("captions elsewhere", |result| result.captions[0].name = "../s0".into()),
        ("captions twice", |result| result.captions.push(result.captions[0].clone())),
        ("sheets out of order", |result| {
            let sheets = &mut result.storyboard.as_mut().unwrap().sheets;
            sheets.push(sheets[0].clone());
        }),
        ("a waveform by another name", |result| result.waveform = result.poster.clone()),
        ("twice", |result| result.video.push(result.video[0].clone())),
    ];
    for (name, spoil) in cases {
        let mut spoiled = good.clone();
        spoil(&mut spoiled);
        let (status, body) = worker.complete(&lease, &spoiled).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("result_unfit")), "{name}");
    }
    assert_eq!(worker.complete(&lease, &good).await.0, StatusCode::NO_CONTENT);
}
