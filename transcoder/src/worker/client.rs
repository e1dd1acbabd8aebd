//! The runner protocol's calls, and what their answers mean for a worker.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{future, stream};
use pinreel_runner::{Complete, Fail, FileRef, Growth, Lease, LeaseRequest, Progress, ProgressAnswer};
use pinreel_runner::{Register, Registered, Release};
use reqwest::header::{CONTENT_LENGTH, RANGE};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const SILENCE: Duration = Duration::from_secs(60);
const CALL: Duration = Duration::from_secs(60);
const DELIVERY: Duration = Duration::from_secs(600);
/// Sent at a time.
const PIECE_BYTES: usize = 64 << 10;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Kept of an error's text.
const DETAIL_CHARS: usize = 300;

/// Why a call gave no answer of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The server can't be reached or can't answer just now: again later.
    #[error("the server is away: {0}")]
    Away(String),
    /// The job isn't this worker's any more.
    #[error("the lease is lost")]
    Lost,
    /// The server doesn't take it, and won't.
    #[error("the server refuses ({status}): {detail}")]
    Refused {
        status: u16,
        /// The server's word for it, if it has one.
        code: String,
        detail: String,
    },
}

impl Trouble {
    fn impossible(detail: String) -> Self {
        Self::Refused { status: 0, code: String::new(), detail }
    }

    /// Whether it is in vain to ask again, in the server's own words: this program or its key is at fault.
    pub fn is_final(&self) -> Option<&str> {
        const FINAL: [&str; 4] = ["protocol_unknown", "recipe_unknown", "worker_revoked", "worker_name_taken"];
        match self {
            Self::Refused { code, detail, .. } if FINAL.contains(&code.as_str()) => Some(detail),
            _ => None,
        }
    }
}

/// A server, as workers see it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

/// One job's calls.
#[derive(Clone)]
pub struct JobClient {
    client: Client,
    pub lease: Lease,
}

impl Client {
    pub fn new(mut base: Url) -> reqwest::Result<Self> {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = reqwest::Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE);
        // A redirect would carry the token somewhere else.
        let http = http.redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, base })
    }

    /// Asks for a job; `None` when there is none.
    pub async fn lease(&self, token: &str, body: &LeaseRequest, wait: Duration) -> Result<Option<Lease>, Trouble> {
        let request = self.request(Method::POST, "runner/v1/lease", token)?.json(body).timeout(wait + CALL);
        let response = send(request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        read(response).await.map(Some)
    }

    /// Buys a key with a registration token.
    pub async fn register(&self, token: &str, body: &Register) -> Result<Registered, Trouble> {
        read(send(self.request(Method::POST, "runner/v1/register", token)?.json(body).timeout(CALL)).await?).await
    }

    pub fn job(&self, lease: Lease) -> JobClient {
        JobClient { client: self.clone(), lease }
    }

    fn request(&self, method: Method, path: &str, token: &str) -> Result<RequestBuilder, Trouble> {
        let url = self.base.join(path);
        let url = url.map_err(|error| Trouble::impossible(format!("not an address: {error}")))?;
        Ok(self.http.request(method, url).bearer_auth(token))
    }
}

impl JobClient {
    fn request(&self, method: Method, rest: &str) -> Result<RequestBuilder, Trouble> {
        // The id comes from the server and goes back to it; still it must not leave its place in the path.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.lease.job.is_empty() || !self.lease.job.chars().all(plain) {
            return Err(Trouble::impossible("an impossible job id".to_owned()));
        }
        let path = format!("runner/v1/jobs/{}/{rest}", self.lease.job);
        self.client.request(method, &path, &self.lease.token)
    }

    /// The source from `offset` on.
    pub async fn source(&self, offset: u64) -> Result<Response, Trouble> {
        let mut request = self.request(Method::GET, "source")?;
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        let response = of_job(send(request).await)?;
        let wanted = if offset > 0 { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        if response.status() == wanted {
            return Ok(response);
        }
        Err(Trouble::Away(format!("{} instead of the source from byte {offset} on", response.status())))
    }

    pub async fn put(&self, file: &FileRef, bytes: Bytes, sent: &Sent) -> Result<(), Trouble> {
        let request = self.request(Method::PUT, &format!("files/{}", file.name))?;
        let request = request.header(CONTENT_LENGTH, bytes.len()).body(sent.counting(bytes));
        of_job(send(request.query(&[("cid", &file.cid)]).timeout(DELIVERY)).await).map(drop)
    }

    pub async fn progress(&self, body: &Progress) -> Result<ProgressAnswer, Trouble> {
        let request = self.request(Method::POST, "progress")?.json(body).timeout(CALL);
        read(of_job(send(request).await)?).await
    }

    pub async fn grow(&self, body: &Growth) -> Result<(), Trouble> {
        self.tell("grow", body).await
    }

    pub async fn complete(&self, body: &Complete) -> Result<(), Trouble> {
        self.tell("complete", body).await
    }

    pub async fn fail(&self, body: &Fail) -> Result<(), Trouble> {
        self.tell("fail", body).await
    }

    pub async fn release(&self, body: &Release) -> Result<(), Trouble> {
        self.tell("release", body).await
    }

    async fn tell(&self, call: &str, body: &impl Serialize) -> Result<(), Trouble> {
        let request = self.request(Method::POST, call)?.json(body).timeout(DELIVERY);
        of_job(send(request).await).map(drop)
    }
}

/// How far a file has gone, at most: bytes that go a second time count once.
#[derive(Clone, Default)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A body that counts what is taken of it.
    fn counting(&self, bytes: Bytes) -> Body {
        let (sent, whole) = (self.clone(), bytes.len());
        Body::wrap_stream(stream::unfold(bytes, move |mut rest| {
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            sent.0.fetch_max((whole - rest.len()) as u64, Ordering::Relaxed);
            future::ready((!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), rest)))
        }))
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Trouble> {
    let response = request.send().await.map_err(|error| Trouble::Away(with_causes(&error)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = response.text().await.unwrap_or_default();
    let problem: Problem = serde_json::from_str(&text).unwrap_or(Problem { code: String::new(), detail: text });
    let (code, detail) = (problem.code, problem.detail.chars().take(DETAIL_CHARS).collect::<String>());
    let later =
        status.is_server_error() || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
    if later {
        return Err(Trouble::Away(format!("{status} {detail}")));
    }
    Err(Trouble::Refused { status: status.as_u16(), code, detail })
}

/// What of a problem document (RFC 9457) is of use here.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

/// On a job's calls these refusals mean that the lease is gone.
fn of_job(answer: Result<Response, Trouble>) -> Result<Response, Trouble> {
    match answer {
        Err(Trouble::Refused { status: 401 | 403 | 404 | 409 | 410, .. }) => Err(Trouble::Lost),
        other => other,
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Trouble> {
    response.json().await.map_err(|error| Trouble::Away(with_causes(&error)))
}

fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Pauses between tries: doubled each time up to the longest.
pub struct Backoff {
    pause: Duration,
    longest: Duration,
}

impl Backoff {
    pub fn new() -> Self {
        Self::between(FIRST_PAUSE, LONGEST_PAUSE)
    }

    pub fn between(first: Duration, longest: Duration) -> Self {
        Self { pause: first, longest }
    }

    /// The next one.
    #[cfg(test)]
    pub fn pause(&self) -> Duration {
        self.pause
    }

    pub fn warn(&self, what: &str, trouble: &Trouble) {
        tracing::warn!("{what}: {trouble}; again in {} ms", self.pause.as_millis());
    }

    pub async fn wait(&mut self) {
        let pause = self.pause;
        self.pause = (pause * 2).min(self.longest);
        tokio::time::sleep(pause).await;
    }
}

/// Calls until the server answers: being away is waited out, for work that is done must not be thrown away.
pub async fn insist<T, F: Future<Output = Result<T, Trouble>>>(what: &str, call: impl Fn() -> F) -> Result<T, Trouble> {
    let mut backoff = Backoff::new();
    loop {
        match call().await {
            Err(trouble @ Trouble::Away(_)) => backoff.warn(what, &trouble),
            answer => return answer,
        }
        backoff.wait().await;
    }
}
