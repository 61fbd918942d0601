//! `oam audit witness`: a service that remembers how far logs have come, and signs what continues that.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use clap::Args;
use oam_audit::{
    Name,
    keys::{CosigningKey, VerifierKey},
    proof::GrowthProof,
    witness::{Refusal, judge},
};
use tokio::net::TcpListener;

use crate::{
    command::{Context, Ending},
    failure::Failure,
};

mod memory;

use memory::Memory;

/// A request holds a proof of 64 hashes and a checkpoint with some signatures.
const REQUEST_BYTES: usize = 64 << 10;

/// `oam audit witness`.
#[derive(Debug, Args)]
pub struct Witness {
    /// The folder of what the witness remembers, and of its key; it is created
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The name of the witness, such as `witness.example.com/w1`; it can never change
    #[arg(long)]
    name: Name,
    /// The address to listen on; what is said there is signed, but not secret
    #[arg(long, default_value = "127.0.0.1:8750")]
    listen: SocketAddr,
    /// The public key of a log, or a file with it; once for each. A log whose key was rotated: all its keys, in their
    /// order
    #[arg(long = "log", value_name = "FILE|TEXT", required = true)]
    logs: Vec<String>,
}

/// What the service holds.
#[derive(Debug)]
struct Service {
    key: CosigningKey,
    logs: Vec<VerifierKey>,
    memory: Memory,
}

/// Serves until it is stopped.
pub(super) async fn run(command: &Witness, context: &mut Context) -> Ending {
    let logs = command.logs.iter().map(|text| log_key(text)).collect::<Result<Vec<_>, _>>()?;
    let memory = Memory::open(&command.state, &logs)?;
    let key = memory.key(&command.name)?;
    let failed = |what: &'static str| {
        let address = PathBuf::from(command.listen.to_string());
        move |source| Failure::File { doing: what, path: address, source }
    };
    let listener = TcpListener::bind(command.listen).await.map_err(failed("cannot listen on"))?;
    let address = listener.local_addr().map_err(failed("cannot listen on"))?;
    let verifier = key.verifier().to_string();
    context.terminal.item(&serde_json::json!({"listening": address.to_string(), "key": verifier}), |_| {
        format!("witness listening on {address}\nkey {verifier}\n")
    })?;
    let service = Arc::new(Service { key, logs, memory });
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES))
        .with_state(service);
    axum::serve(listener, router).await.map_err(failed("cannot serve on"))?;
    Ok(crate::exit::Exit::Ok)
}

fn log_key(given: &str) -> Result<VerifierKey, Failure> {
    if let Ok(key) = given.trim().parse() {
        return Ok(key);
    }
    let path = Path::new(given);
    let text = fs::read_to_string(path).map_err(|source| Failure::read(path, source))?;
    text.trim().parse().map_err(|error: oam_audit::keys::KeyError| Failure::Usage {
        what: format!("`{}`: {error}", crate::output::shown(given)),
        help: "give the text that the daemon wrote to `checkpoint.pub`, or a file with it",
    })
}

async fn add_checkpoint(State(service): State<Arc<Service>>, body: String) -> Response {
    let answer = tokio::task::spawn_blocking(move || service.add_checkpoint(&body)).await;
    answer.unwrap_or_else(|_| {
        (StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n".to_owned()).into_response()
    })
}

impl Service {
    fn add_checkpoint(&self, body: &str) -> Response {
        let Ok(request) = GrowthProof::parse(body) else {
            return (StatusCode::BAD_REQUEST, "this is no request to add a checkpoint\n").into_response();
        };
        // From the look at what was seen to its replacement: nobody else may come between.
        let mut seen = self.memory.lock();
        let (signed, new) = match judge(&request, &self.logs, |log| seen.of(log)) {
            Ok(judged) => judged,
            Err(refusal) => return refused(&refusal),
        };
        if let Err(error) = seen.store(signed.claimed_origin(), new, &request.checkpoint) {
            let text = format!("the checkpoint cannot be stored: {error}\n");
            return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
        }
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0);
        self.key.cosign(&signed, now).into_response()
    }
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal {
        Refusal::OtherSize { seen } => {
            let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/x.tlog.size"));
            (status, [kind], format!("{seen}\n")).into_response()
        }
        other => (status, format!("{other}\n")).into_response(),
    }
}
