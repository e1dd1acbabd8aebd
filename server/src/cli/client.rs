//! A node as the command line sees it: its API over HTTP, with the patience that a restart or a bad line needs.

use std::sync::Once;
use std::time::Duration;

use pinreel_records::{Home, Origin, PublicKey, RecordId};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::answer::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A call of the API; uploads set their own.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);
/// Pauses between tries grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(8);
/// Tries without any success before a patient call gives up: two minutes of pauses.
const MAX_TRIES: u32 = 20;

/// What a node says of itself, as far as a client needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct NodeInfo {
    pub origin: String,
    pub log_key: PublicKey,
    /// The node's own channel.
    pub channel: RecordId,
    pub url: String,
    pub limits: Limits,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Limits {
    pub upload_bytes: u64,
}

impl NodeInfo {
    /// Where channels founded there are at home.
    pub fn home(&self) -> Result<Home, Failure> {
        let origin: Result<Origin, _> = self.origin.parse();
        let origin = origin
            .map_err(|error| Failure::new("node_odd", format!("The node's log has no proper name ({error}).")))?;
        Ok(Home { origin, key: self.log_key })
    }
}

/// What the node answered instead of a yes.
#[derive(Clone, Debug)]
pub enum CallError {
    /// No answer, or one that a retry may change.
    Away(String),
    /// A problem document.
    Problem { status: StatusCode, code: String, detail: String, extra: Value },
}

impl CallError {
    pub fn code(&self) -> &str {
        match self {
            Self::Away(_) => "node_unreachable",
            Self::Problem { code, .. } => code,
        }
    }

    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Away(_) => None,
            Self::Problem { status, .. } => Some(*status),
        }
    }

    /// A member of the problem document.
    pub fn extra(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Away(_) => None,
            Self::Problem { extra, .. } => extra.get(name),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Away(message) => Failure::new("node_unreachable", message),
            CallError::Problem { code, detail, .. } => Failure::new(&code, detail),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Node {
    base: Url,
    http: Client,
    token: Option<String>,
}

impl Node {
    pub fn new(base: &Url) -> Result<Self, Failure> {
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(Failure::usage(format!("{base} is no node's address; it looks like https://media.example.")));
        }
        static PROVIDER: Once = Once::new();
        // Fails only if somebody has installed one already, which is as good.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("pinreel/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::new("internal", format!("No HTTP client can be made ({error}).")))?;
        Ok(Self { base: base.clone(), http, token: None })
    }

    pub fn sign_in_with(&mut self, token: String) {
        self.token = Some(token);
    }

    /// `scheme://host[:port]` that it is connected to.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// The address of a path of this node; also of another place, if `path` is a whole URL.
    pub fn url(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(path).map_err(|error| Failure::new("node_odd", format!("{path} is no address ({error}).")))
    }

    /// A request with the session, if there is one. The token goes to the node only, wherever an answer points.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Failure> {
        let url = self.url(path)?;
        let is_ours = url.origin() == self.base.origin();
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) if is_ours => request.bearer_auth(token),
            _ => request,
        })
    }

    /// One try.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, CallError> {
        let response = request.send().await.map_err(|error| self.away(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(problem(response).await) }
    }

    async fn try_call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, CallError> {
        let request = self.request(method, path).map_err(|failure| CallError::Away(failure.message))?;
        let request = request.timeout(CALL_TIMEOUT);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = self.send(request).await?;
        let bytes = response.bytes().await.map_err(|error| self.away(&error))?;
        // An empty answer reads as null.
        let text = if bytes.is_empty() { b"null".as_slice() } else { &bytes };
        serde_json::from_slice(text)
            .map_err(|error| CallError::Away(format!("{} answered something unreadable ({error}).", self.base)))
    }

    /// Asks once.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.try_call(Method::GET, path, None).await
    }

    /// Calls once.
    pub async fn call_once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, CallError> {
        self.try_call(method, path, Some(body)).await
    }

    /// Calls until an answer comes, through restarts and dropped lines. Only for calls that may be repeated.
    pub async fn call_patiently<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, CallError> {
        let mut patience = Patience::default();
        loop {
            match self.try_call(method.clone(), path, body).await {
                Ok(value) => return Ok(value),
                Err(error) if may_pass(&error) && patience.pause().await => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn away(&self, error: &reqwest::Error) -> CallError {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        CallError::Away(format!("{} doesn't answer ({cause}).", self.origin()))
    }
}

/// Whether the same call may succeed in a moment.
pub fn may_pass(error: &CallError) -> bool {
    let passing = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::LOCKED,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    error.status().is_none_or(|status| passing.contains(&status))
}

/// Pauses that grow as long as nothing succeeds.
#[derive(Debug, Default)]
pub struct Patience {
    tries: u32,
}

impl Patience {
    /// Waits a little longer than the last time; false when it is enough.
    pub async fn pause(&mut self) -> bool {
        if self.tries >= MAX_TRIES {
            return false;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.tries.min(8)).min(LAST_PAUSE);
        self.tries += 1;
        tokio::time::sleep(pause).await;
        true
    }
}

async fn problem(response: Response) -> CallError {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    match (text("code"), text("detail")) {
        (Some(code), Some(detail)) => CallError::Problem { status, code, detail, extra: body },
        _ => CallError::Problem {
            status,
            code: "node_odd".to_owned(),
            detail: format!("The node answered {status} without saying why."),
            extra: Value::Null,
        },
    }
}
