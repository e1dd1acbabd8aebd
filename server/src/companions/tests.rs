//! Companions through the real router, with a worker that speaks the protocol.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use pinreel_content::parse_cid;
use pinreel_records::{Body as Record, Caption, base64url};
use pinreel_runner::{Captions, Kind, Lease, Task, Transcoded};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::compose::compose_due;
use crate::claims::tests::{Creator, node, send, stream};
use crate::media::announce_due;
use crate::media::tests::fake::{Made, Worker};
use crate::testing::{START_MS, TestApp};

const FILM: &[u8] = b"a film";
const SRT: &[u8] = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n";
const VTT: &str = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n";

/// A channel that is signed in.
struct Person {
    creator: Creator,
    token: String,
}

struct Bench {
    test: TestApp,
    ann: Person,
    bob: Person,
}

impl Bench {
    async fn new(owner: &PgPool) -> Self {
        let test = node(owner).await;
        let ann = person(&test, owner, 1, "ann").await;
        let bob = person(&test, owner, 2, "bob").await;
        Self { test, ann, bob }
    }

    async fn call(&self, who: &Person, method: Method, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", who.token));
        self.test.json(request.header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap()).await
    }

    /// Sends a whole film; its upload's address.
    async fn upload(&self, who: &Person) -> String {
        let path = self.begin(who).await;
        self.send_film(who, &path).await;
        path
    }

    async fn begin(&self, who: &Person) -> String {
        let request = Request::post("/api/v1/uploads").header(header::AUTHORIZATION, format!("Bearer {}", who.token));
        let request = request.header("tus-resumable", "1.0.0").header("upload-length", FILM.len());
        // film.mp4
        let request = request.header("upload-metadata", "filename ZmlsbS5tcDQ=").body(Body::empty()).unwrap();
        let answer = self.test.send(request).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn send_film(&self, who: &Person, path: &str) {
        let request = Request::patch(path).header(header::AUTHORIZATION, format!("Bearer {}", who.token));
        let request = request.header("tus-resumable", "1.0.0").header("upload-offset", 0);
        let request = request.header(header::CONTENT_TYPE, "application/offset+octet-stream");
        let answer = self.test.send(request.body(Body::from(FILM)).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    async fn add(&self, who: &Person, upload: &str, query: &str, bytes: &[u8]) -> Value {
        let path = format!("{upload}/companions?{query}");
        let (status, answer) = self.call(who, Method::POST, &path, bytes.to_vec()).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }

    async fn view(&self, who: &Person, upload: &str) -> Value {
        self.call(who, Method::GET, upload, "").await.1
    }

    fn worker(&self, kinds: &[Kind]) -> Worker<'_> {
        let mut worker = Worker::new(&self.test);
        worker.capabilities.kinds = kinds.to_vec();
        worker
    }

    /// Makes the film's renditions.
    async fn make_film(&self) {
        self.worker(&[Kind::Video]).work().await;
        compose_due(&self.test.app).await.unwrap();
    }

    /// Makes every companion that waits, each of a text.
    async fn make_companions(&self, text: &str) {
        let worker = self.worker(&[Kind::Companion]);
        while let Some(lease) = worker.lease().await {
            deliver(&worker, &lease, text).await;
        }
        compose_due(&self.test.app).await.unwrap();
    }

    /// The names in a root, and its master playlist.
    fn root(&self, view: &Value) -> (Vec<String>, String) {
        let store = &self.test.app.store;
        let root = parse_cid(view["root"].as_str().unwrap()).unwrap();
        let entries = store.list(&root).unwrap().unwrap();
        let master = entries.iter().find(|entry| entry.name == "master.m3u8").unwrap();
        let file = store.open_file(&master.cid).unwrap().unwrap();
        let mut bytes = vec![0; file.size_bytes() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        (entries.into_iter().map(|entry| entry.name).collect(), String::from_utf8(bytes).unwrap())
    }

    async fn page(&self, claim: &str) -> Value {
        self.test.get(&format!("/api/v1/claims/{claim}")).await.1
    }
}

async fn person(test: &TestApp, owner: &PgPool, seed: u8, handle: &str) -> Person {
    let creator = Creator::new(test, seed, handle).await;
    let secret = [seed; 32];
    let session = sqlx::query(
        "insert into session (token_hash, channel, key, created_ms, expires_ms) values ($1, $2, $3, $4, $5)",
    );
    let session = session.bind(Sha256::digest(secret).as_slice().to_vec()).bind(creator.channel().to_string());
    session.bind([seed; 32].as_slice()).bind(START_MS).bind(i64::MAX).execute(owner).await.unwrap();
    Person { creator, token: base64url::encode(&secret) }
}

/// The one file that a companion's lease asks for.
async fn deliver(worker: &Worker<'_>, lease: &Lease, text: &str) {
    let made = if lease.task == Task::Captions {
        Made::new("s0/captions.vtt", text)
    } else {
        Made::new("poster.jpg", format!("{:?} {text}", lease.task))
    };
    assert_eq!(worker.put(lease, &made).await.0, StatusCode::NO_CONTENT);
    let file = made.reference();
    let captions =
        Captions { name: "s0".into(), language: None, label: String::new(), forced: false, file: file.clone() };
    let result = match lease.task {
        Task::Captions => Transcoded { captions: vec![captions], ..Transcoded::default() },
        _ => Transcoded { poster: Some(file), ..Transcoded::default() },
    };
    let (status, body) = worker.complete(lease, &result).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn captions_and_a_poster_come_into_the_channels_own_folder(owner: PgPool) {
    let bench = Bench::new(&owner).await;
    let upload = bench.upload(&bench.ann).await;
    bench.make_film().await;
    let film = bench.view(&bench.ann, &upload).await;
    let added = bench.add(&bench.ann, &upload, "role=captions&file_name=film.de.srt", SRT).await;
    assert_eq!(
        (&added["language"], &added["label"], &added["state"]),
        (&"de".into(), &"German".into(), &"waiting".into())
    );
    bench.add(&bench.ann, &upload, "role=captions&file_name=x.srt&label=English", b"other").await;
    bench.add(&bench.ann, &upload, "role=poster&at_ms=1500", b"").await;
    assert_eq!(bench.view(&bench.ann, &upload).await["root"], film["root"], "until it is put together");
    bench.make_companions(VTT).await;

    let whole = bench.view(&bench.ann, &upload).await;
    assert_ne!(whole["root"], film["root"]);
    assert_eq!(whole["companions"][0]["state"], "ready");
    assert!(whole["companions"][0]["file"].is_string());
    let (names, master) = bench.root(&whole);
    assert!(
        ["s0", "s1", "s2", "v720", "chapters.json"].iter().all(|name| names.iter().any(|n| n == name)),
        "{names:?}"
    );
    let group = |name: &str, rest: &str| format!("NAME=\"{name}\"{rest},DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"");
    assert!(master.contains(&(group("German", ",LANGUAGE=\"de\"") + "s1/media.m3u8\"")), "{master}");
    assert!(master.contains(&(group("English 2", "") + "s2/media.m3u8\"")), "{master}");
    // What the owner previews is what will be published.
    let preview = Request::get(format!("{upload}/preview/s1/captions.vtt"));
    let preview = preview.header(header::AUTHORIZATION, format!("Bearer {}", bench.ann.token));
    let answer = bench.test.send(preview.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status(), answer.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "44"));

    // Another name is another folder; with nothing beside it, the film's own is back.
    let id = added["id"].as_str().unwrap();
    let words = json!({ "language": "de-AT", "label": "Deutsch" }).to_string();
    let path = format!("{upload}/companions/{id}");
    assert_eq!(bench.call(&bench.ann, Method::PUT, &path, words).await.0, StatusCode::NO_CONTENT);
    compose_due(&bench.test.app).await.unwrap();
    let renamed = bench.view(&bench.ann, &upload).await;
    assert!(bench.root(&renamed).1.contains("NAME=\"Deutsch\",LANGUAGE=\"de-AT\""));
    for companion in renamed["companions"].as_array().unwrap() {
        let path = format!("{upload}/companions/{}", companion["id"].as_str().unwrap());
        assert_eq!(bench.call(&bench.ann, Method::DELETE, &path, "").await.0, StatusCode::NO_CONTENT);
    }
    compose_due(&bench.test.app).await.unwrap();
    assert_eq!(bench.view(&bench.ann, &upload).await["root"], film["root"]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn nobody_elses_pages_show_them_and_nobody_else_can_publish_them(owner: PgPool) {
    let mut bench = Bench::new(&owner).await;
    let upload = bench.upload(&bench.ann).await;
    bench.upload(&bench.bob).await;
    bench.add(&bench.ann, &upload, "role=captions&file_name=film.de.srt", SRT).await;
    bench.make_companions(VTT).await;
    bench.make_film().await;
    let view = bench.view(&bench.ann, &upload).await;
    let (whole, file) = (view["root"].as_str().unwrap(), view["companions"][0]["file"].as_str().unwrap());
    let film = view["job"]["root"].as_str().unwrap();
    assert_ne!(whole, film);

    // Bob knows both addresses from somewhere.
    let stored = pinreel_content::hash_bytes(FILM);
    let mut theft = stream("film", &stored);
    theft.root = parse_cid(whole);
    let signed = bench.bob.creator.sign(&Record::Stream(Box::new(theft.clone())));
    assert_eq!(send(&bench.test, &signed).await.1["code"], "root_mismatch");
    theft.root = parse_cid(film);
    theft.captions = vec![Caption { language: "de".into(), cid: parse_cid(file).unwrap() }];
    let signed = bench.bob.creator.sign(&Record::Stream(Box::new(theft.clone())));
    assert_eq!(send(&bench.test, &signed).await.1["code"], "source_missing");
    theft.captions.clear();
    theft.root = None;
    let by_bob = bench.bob.creator.publish(&bench.test, &Record::Stream(Box::new(theft))).await;
    announce_due(&bench.test.app).await.unwrap();
    assert_eq!(bench.page(&by_bob.to_string()).await["root"], film);
    assert!(!bench.test.app.store.is_public(&parse_cid(whole).unwrap()).unwrap(), "Ann has published nothing");

    let mut own = stream("film", &stored);
    own.captions = vec![Caption { language: "de".into(), cid: parse_cid(file).unwrap() }];
    let by_ann = bench.ann.creator.publish(&bench.test, &Record::Stream(Box::new(own))).await;
    announce_due(&bench.test.app).await.unwrap();
    let page = bench.page(&by_ann.to_string()).await;
    assert_eq!(
        (page["root"].as_str(), &page["root_by"], &page["unfinished"]),
        (Some(whole), &"node".into(), &false.into())
    );
    let body = base64url::decode(page["rendition"]["body"].as_str().unwrap()).unwrap();
    let Ok((_, Record::Rendition(rendition))) = Record::decode("rendition", &body) else { panic!("no rendition") };
    assert!(rendition.recipe.starts_with("h264-aac-5.beside-"), "{}", rendition.recipe);
    assert!(rendition.storyboard.is_some() && rendition.poster.is_some());
    assert_eq!(bench.page(&by_bob.to_string()).await["root"], film, "still his own");
    assert!(bench.test.app.store.is_public(&parse_cid(file).unwrap()).unwrap());
    let path = format!("{upload}/companions?role=captions&file_name=late.srt");
    let (status, answer) = bench.call(&bench.ann, Method::POST, &path, SRT).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &"upload_published".into()));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_is_published_before_it_is_made_arrives(owner: PgPool) {
    let mut bench = Bench::new(&owner).await;
    let upload = bench.upload(&bench.ann).await;
    bench.add(&bench.ann, &upload, "role=captions&file_name=film.de.srt", SRT).await;
    let stored = pinreel_content::hash_bytes(FILM);
    let claim = bench.ann.creator.publish(&bench.test, &Record::Stream(Box::new(stream("film", &stored)))).await;
    bench.make_film().await;
    announce_due(&bench.test.app).await.unwrap();
    let page = bench.page(&claim.to_string()).await;
    assert_eq!((page["root"].is_string(), &page["unfinished"]), (true, &true.into()), "it plays, and more is to come");
    bench.make_companions(VTT).await;
    announce_due(&bench.test.app).await.unwrap();
    let page = bench.page(&claim.to_string()).await;
    assert_eq!(page["unfinished"], false);
    assert!(bench.root(&page).1.contains("NAME=\"German\""));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_file_that_cannot_be_used_says_why_and_holds_nothing_up(owner: PgPool) {
    let bench = Bench::new(&owner).await;
    let upload = bench.upload(&bench.ann).await;
    bench.make_film().await;
    bench.add(&bench.ann, &upload, "role=captions&file_name=bad.srt", b"bad").await;
    bench.add(&bench.ann, &upload, "role=captions&file_name=film.en.srt", SRT).await;
    let worker = bench.worker(&[Kind::Companion]);
    let lease = worker.lease().await.unwrap();
    assert_eq!((lease.task, lease.source.file_name.as_str()), (Task::Captions, "bad.srt"));
    let told = pinreel_runner::Fail {
        epoch: lease.epoch,
        code: "captions_unusable".into(),
        reason: "line 3: these are no times.".into(),
        retryable: false,
        needs_codec: None,
        log: Vec::new(),
    };
    worker.post(&format!("jobs/{}/fail", lease.job), &lease.token, &told).await;
    bench.make_companions(VTT).await;
    let view = bench.view(&bench.ann, &upload).await;
    let bad = &view["companions"][0];
    assert_eq!((&bad["state"], &bad["problem"]), (&"failed".into(), &"bad.srt, line 3: these are no times.".into()));
    assert!(bench.root(&view).1.contains("NAME=\"English 2\""), "beside the one inside the film");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_frame_waits_for_its_film_and_the_last_poster_counts(owner: PgPool) {
    let bench = Bench::new(&owner).await;
    let upload = bench.begin(&bench.ann).await;
    bench.add(&bench.ann, &upload, "role=poster&file_name=a.png", b"a picture").await;
    let frame = bench.add(&bench.ann, &upload, "role=poster&at_ms=2500", b"").await;
    let worker = bench.worker(&[Kind::Companion]);
    assert_eq!(worker.lease().await.unwrap().task, Task::Picture, "it was sent, and may be wanted again");
    assert!(worker.lease().await.is_none());
    bench.send_film(&bench.ann, &upload).await;
    bench.make_film().await;
    let lease = worker.lease().await.unwrap();
    assert_eq!((lease.task, &lease.source.file_name[..]), (Task::Frame { at_ms: 2500 }, "film.mp4"));
    deliver(&worker, &lease, "frame").await;
    compose_due(&bench.test.app).await.unwrap();
    let view = bench.view(&bench.ann, &upload).await;
    let companions = view["companions"].as_array().unwrap();
    assert_eq!((companions.len(), &companions[0]["id"]), (1, &frame["id"]));
    assert_ne!(view["root"], view["job"]["root"]);
    // An upload that is given up takes everything along.
    let request = Request::delete(&upload).header(header::AUTHORIZATION, format!("Bearer {}", bench.ann.token));
    let request = request.header("tus-resumable", "1.0.0").body(Body::empty()).unwrap();
    assert_eq!(bench.test.send(request).await.status(), StatusCode::NO_CONTENT);
    assert!(super::kept(&bench.test.app.database).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_is_out_of_bounds_is_refused_by_name(owner: PgPool) {
    let bench = Bench::new(&owner).await;
    let upload = bench.begin(&bench.ann).await;
    let large = vec![b'x'; super::model::MAX_CAPTIONS_BYTES + 1];
    let cases: [(&str, &[u8], StatusCode, &str); 9] = [
        ("role=captions&file_name=a.srt", b"", StatusCode::UNPROCESSABLE_ENTITY, "companion_empty"),
        ("role=captions&file_name=a.srt", &large, StatusCode::PAYLOAD_TOO_LARGE, "companion_too_large"),
        ("role=captions&language=d%20e", SRT, StatusCode::UNPROCESSABLE_ENTITY, "language_invalid"),
        ("role=captions&label=a%0Ab", SRT, StatusCode::UNPROCESSABLE_ENTITY, "label_invalid"),
        ("role=captions&at_ms=5", b"", StatusCode::UNPROCESSABLE_ENTITY, "poster_time_invalid"),
        ("role=poster&at_ms=5", SRT, StatusCode::UNPROCESSABLE_ENTITY, "poster_time_invalid"),
        ("role=poster&at_ms=99999999999", b"", StatusCode::UNPROCESSABLE_ENTITY, "poster_time_invalid"),
        ("role=poster", b"", StatusCode::UNPROCESSABLE_ENTITY, "companion_empty"),
        ("role=song", SRT, StatusCode::BAD_REQUEST, "query_malformed"),
    ];
    for (query, bytes, status, code) in cases {
        let path = format!("{upload}/companions?{query}");
        let (got, answer) = bench.call(&bench.ann, Method::POST, &path, bytes.to_vec()).await;
        assert_eq!((got, &answer["code"]), (status, &code.into()), "{query}: {answer}");
    }
    for n in 0..super::model::MAX_CAPTIONS {
        bench.add(&bench.ann, &upload, &format!("role=captions&file_name={n}.srt"), SRT).await;
    }
    let path = format!("{upload}/companions?role=captions");
    assert_eq!(bench.call(&bench.ann, Method::POST, &path, SRT).await.1["code"], "companions_too_many");
    // Somebody else's upload is as unknown as none.
    assert_eq!(bench.call(&bench.bob, Method::POST, &path, SRT).await.1["code"], "upload_gone");
    let path = format!("{upload}/companions/{}", uuid::Uuid::nil());
    assert_eq!(bench.call(&bench.ann, Method::DELETE, &path, "").await.1["code"], "companion_unknown");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_withdrawn_film_is_put_together_anew(owner: PgPool) {
    let bench = Bench::new(&owner).await;
    let token = sqlx::query("update worker set key_hash = $1 where name = 'fake-1'");
    let upload = bench.upload(&bench.ann).await;
    bench.add(&bench.ann, &upload, "role=captions&file_name=film.de.srt", SRT).await;
    bench.make_film().await;
    bench.make_companions(VTT).await;
    let before = bench.view(&bench.ann, &upload).await;
    token.bind([9u8; 32].as_slice()).execute(&owner).await.unwrap();
    let withdrawn = crate::media::withdraw(&bench.test.app, "fake-1").await.unwrap();
    assert_eq!(withdrawn, 2, "the film and the folder with its captions");
    assert!(bench.view(&bench.ann, &upload).await["root"].is_null());
    let mut worker = bench.worker(&[Kind::Video]);
    worker.name = "other".into();
    worker.work().await;
    compose_due(&bench.test.app).await.unwrap();
    assert_eq!(bench.view(&bench.ann, &upload).await["root"], before["root"]);
}
