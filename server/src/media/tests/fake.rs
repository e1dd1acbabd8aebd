//! A worker that speaks the protocol and delivers small files, whose bytes it makes up.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use pinreel_content::hash_bytes;
use pinreel_runner::{
    Audio, Capabilities, Captions, Chapters, Complete, Early, Fail, FileRef, FrameRate, Growth, Kind, Lease,
    LeaseRequest, Loudness, PROTOCOL, Progress, RECIPE, Release, Rung, Segment, Storyboard, Transcoded, Video,
};
use serde::Serialize;
use serde_json::Value;

use crate::media::{self, Job, Source};
use crate::testing::TestApp;

pub struct Worker<'t> {
    pub test: &'t TestApp,
    pub token: String,
    /// How long it lets the server hold a lease request open.
    pub patience: Duration,
    pub name: String,
    pub capabilities: Capabilities,
}

/// A file as it will be delivered.
#[derive(Clone)]
pub struct Made {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Made {
    pub fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into() }
    }

    pub fn cid(&self) -> String {
        hash_bytes(&self.bytes).cid.to_string()
    }

    pub fn reference(&self) -> FileRef {
        FileRef { name: self.name.clone(), cid: self.cid(), bytes: self.bytes.len() as u64 }
    }
}

/// Puts a source into the store and its job into the queue, as the upload's last byte does; its CID.
pub async fn upload(test: &TestApp, bytes: &[u8], media_type: &str) -> String {
    upload_of(test, bytes, media_type, None).await
}

/// As [`upload`], by a channel.
pub async fn upload_of(test: &TestApp, bytes: &[u8], media_type: &str, channel: Option<&str>) -> String {
    let stored = test.app.store.put_bytes(bytes).unwrap();
    let source = Source {
        cid: stored.cid.to_string(),
        bytes: stored.size_bytes,
        file_name: "clip.mp4".into(),
        media_type: media_type.into(),
        channel: channel.map(Into::into),
    };
    let mut transaction = test.app.database.begin().await.unwrap();
    media::enqueue(&mut transaction, (&source, &test.app.preset), test.app.clock.now_ms()).await.unwrap();
    transaction.commit().await.unwrap();
    source.cid
}

pub async fn job(test: &TestApp, source: &str) -> Job {
    media::job_for(&test.app.database, source).await.unwrap().unwrap()
}

impl<'t> Worker<'t> {
    pub fn new(test: &'t TestApp) -> Self {
        let token = std::fs::read_to_string(test.app.data.worker_token()).unwrap();
        Self::by(test, token.trim(), "Fake:1")
    }

    /// One that asks with this token or key.
    pub fn by(test: &'t TestApp, token: &str, name: &str) -> Self {
        let capabilities =
            Capabilities { kinds: vec![Kind::Video, Kind::Audio], codecs: vec!["h264".into()], speed: None };
        Self { test, token: token.to_owned(), patience: Duration::ZERO, name: name.to_owned(), capabilities }
    }

    pub async fn post(&self, path: &str, token: &str, body: &impl Serialize) -> (StatusCode, Value) {
        let request = Request::post(format!("/runner/v1/{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(serde_json::to_vec(body).unwrap()));
        self.test.json(request.unwrap()).await
    }

    pub fn asks(&self) -> LeaseRequest {
        LeaseRequest {
            protocol: PROTOCOL,
            worker: self.name.clone(),
            software: "fake/1".into(),
            recipes: vec![RECIPE.into()],
            capabilities: self.capabilities.clone(),
            wants: self.capabilities.kinds.clone(),
            wait_ms: u64::try_from(self.patience.as_millis()).unwrap(),
        }
    }

    pub async fn lease(&self) -> Option<Lease> {
        let (status, body) = self.post("lease", &self.token, &self.asks()).await;
        if status == StatusCode::NO_CONTENT {
            return None;
        }
        assert_eq!(status, StatusCode::OK, "{body}");
        Some(serde_json::from_value(body).unwrap())
    }

    pub async fn put(&self, lease: &Lease, made: &Made) -> (StatusCode, Value) {
        self.put_as(lease, &made.name, &made.cid(), Body::from(made.bytes.clone())).await
    }

    pub async fn put_as(&self, lease: &Lease, name: &str, cid: &str, body: Body) -> (StatusCode, Value) {
        let request = Request::put(format!("/runner/v1/jobs/{}/files/{name}?cid={cid}", lease.job))
            .header(header::AUTHORIZATION, format!("Bearer {}", lease.token))
            .body(body);
        self.test.json(request.unwrap()).await
    }

    pub async fn source(&self, lease: &Lease, range: Option<&str>) -> axum::http::Response<Body> {
        let mut request = Request::get(format!("/runner/v1/jobs/{}/source", lease.job))
            .header(header::AUTHORIZATION, format!("Bearer {}", lease.token));
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        self.test.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn progress(&self, lease: &Lease, fraction: f64) -> (StatusCode, Value) {
        let told = Progress {
            epoch: lease.epoch,
            stage: "transcoding".into(),
            fraction,
            speed: Some(2.5),
            left_ms: Some(1_200),
            rungs: vec![Rung { name: "v720".into(), height: Some(720), fraction }],
            log: Vec::new(),
        };
        self.post(&format!("jobs/{}/progress", lease.job), &lease.token, &told).await
    }

    /// Tells of the first video's and first sound's segments from number `first` on, so many of them.
    pub async fn grow(
        &self,
        lease: &Lease,
        result: &Transcoded,
        (first, count): (usize, usize),
    ) -> (StatusCode, Value) {
        let (video, audio) = (&result.video[0], &result.audio[0]);
        let steps = (first..first + count).map(|n| vec![video.segments[n].clone(), audio.segments[n].clone()]);
        let told = Growth {
            epoch: lease.epoch,
            early: Early {
                video: Some(Video { segments: vec![], keyframe_bytes: vec![], ..video.clone() }),
                audio: Some(Audio { segments: vec![], ..audio.clone() }),
                ended: false,
            },
            first: first as u64,
            steps: steps.collect(),
            ended: false,
        };
        self.post(&format!("jobs/{}/grow", lease.job), &lease.token, &told).await
    }

    pub async fn complete(&self, lease: &Lease, result: &Transcoded) -> (StatusCode, Value) {
        let told = Complete { epoch: lease.epoch, result: result.clone(), log: Vec::new() };
        self.post(&format!("jobs/{}/complete", lease.job), &lease.token, &told).await
    }

    pub async fn fail(&self, lease: &Lease, code: &str, retryable: bool) -> (StatusCode, Value) {
        let told = Fail {
            epoch: lease.epoch,
            code: code.into(),
            reason: "The file holds no picture.".into(),
            retryable,
            needs_codec: None,
            log: Vec::new(),
        };
        self.post(&format!("jobs/{}/fail", lease.job), &lease.token, &told).await
    }

    pub async fn release(&self, lease: &Lease) -> (StatusCode, Value) {
        self.post(&format!("jobs/{}/release", lease.job), &lease.token, &Release { epoch: lease.epoch }).await
    }

    /// The lease's worker can't decode this.
    pub async fn fail_for_want_of(&self, lease: &Lease, codec: &str) -> (StatusCode, Value) {
        let told = Fail {
            epoch: lease.epoch,
            code: "codec_unsupported".into(),
            reason: "The picture is coded in a way that can't be read here.".into(),
            retryable: false,
            needs_codec: Some(codec.into()),
            log: Vec::new(),
        };
        self.post(&format!("jobs/{}/fail", lease.job), &lease.token, &told).await
    }

    /// Delivers everything that a result needs; the result.
    pub async fn deliver(&self, lease: &Lease) -> Transcoded {
        self.deliver_of(lease, &lease.source.cid).await
    }

    /// As [`Worker::deliver`], with bytes that differ by `seed`.
    pub async fn deliver_of(&self, lease: &Lease, seed: &str) -> Transcoded {
        let (result, files) = made(seed);
        for file in &files {
            let (status, body) = self.put(lease, file).await;
            assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
        }
        result
    }

    /// The whole job, from lease to completion; the job's id.
    pub async fn work(&self) -> String {
        let lease = self.lease().await.expect("a job is queued");
        let result = self.deliver(&lease).await;
        let (status, body) = self.complete(&lease, &result).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
        lease.job
    }
}

/// A result of one picture, one sound and a poster, in files whose bytes differ from source to source.
pub fn made(seed: &str) -> (Transcoded, Vec<Made>) {
    let file = |name: &str, length: usize| Made::new(name, format!("{name} {seed} ").repeat(length));
    let files = vec![
        file("v720/init.mp4", 2),
        file("v720/seg-00000.m4s", 30),
        // More than one leaf, so that a folder has to link a tree.
        file("v720/seg-00001.m4s", 20_000),
        file("a0/init.mp4", 2),
        file("a0/seg-00000.m4s", 3),
        file("a0/seg-00001.m4s", 3),
        file("poster.jpg", 9),
        file("storyboard/index.vtt", 2),
        file("storyboard/sheet-000.jpg", 2),
        file("s0/captions.vtt", 2),
        file("chapters.json", 2),
        file("chapters.vtt", 2),
        file("waveform.json", 2),
        file("video.mp4", 5),
    ];
    let reference = |n: usize| files[n].reference();
    let segment = |n: usize, ticks| Segment { file: files[n].reference(), ticks };
    let result = Transcoded {
        duration_ms: 2_000,
        video: vec![Video {
            name: "v720".into(),
            width: 1280,
            height: 720,
            frame_rate: FrameRate { num: 25, den: 1 },
            codecs: "avc1.64001f".into(),
            timescale: 12_800,
            init: reference(0),
            segments: vec![segment(1, 12_800), segment(2, 12_800)],
            keyframe_bytes: vec![2, 1],
            made: pinreel_runner::Made::Remuxed,
            why: "The source fits as it is.".into(),
        }],
        audio: vec![Audio {
            name: "a0".into(),
            language: Some("en".into()),
            label: "English".into(),
            default: true,
            channels: 2,
            sample_rate: 48_000,
            codecs: "mp4a.40.2".into(),
            timescale: 48_000,
            init: reference(3),
            segments: vec![segment(4, 48_128), segment(5, 47_872)],
            made: pinreel_runner::Made::Encoded,
            why: "Encoded, because it has 6 channels.".into(),
            loudness: Some(Loudness { integrated_centi_lufs: -2310, range_centi_lu: 540, peak_centi_dbfs: -120 }),
        }],
        poster: Some(reference(6)),
        storyboard: Some(Storyboard { index: reference(7), sheets: vec![reference(8)] }),
        captions: vec![Captions {
            name: "s0".into(),
            language: Some("en".into()),
            label: "English".into(),
            forced: false,
            file: reference(9),
        }],
        chapters: Some(Chapters { json: reference(10), webvtt: reference(11) }),
        waveform: Some(reference(12)),
        muxed: Some(reference(13)),
        preview: None,
        warnings: vec!["The end of the file is missing.".into()],
    };
    (result, files)
}
