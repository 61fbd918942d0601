use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Identity, Server, ServerTlsConfig},
};

use crate::certificates;

/// A receiver of OTLP over gRPC and TLS, by the types that OpenTelemetry publishes. It takes records with the token `secret`
/// that have all that theirs must have, and remembers the numbers of their entries.
pub struct OtlpReceiver {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
    stop: Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
}

/// What it was given, and how it answers.
#[derive(Debug, Default)]
pub struct Taken {
    /// The numbers of the entries, in order, and their bodies.
    pub records: Vec<(u64, String)>,
    /// How many requests are answered with an error yet.
    pub failing: u32,
    /// How many requests are answered with a rejection of one record yet.
    pub rejecting: u32,
}

struct Strict(Arc<Mutex<Taken>>);

impl OtlpReceiver {
    /// A receiver at `address`: with port 0 at any.
    pub fn start(address: SocketAddr, identity: &certificates::Identity, taken: Arc<Mutex<Taken>>) -> Self {
        let read = |path: &Path| std::fs::read(path).unwrap();
        let tls = Identity::from_pem(read(&identity.certificate), read(&identity.key));
        let tls = ServerTlsConfig::new().identity(tls);
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = LogsServiceServer::new(Strict(Arc::clone(&taken)));
        let running = thread::spawn(move || {
            runtime.block_on(async move {
                let server = Server::builder().tls_config(tls).unwrap().add_service(service);
                tokio::select! {
                    served = server.serve_with_incoming(TcpListenerStream::new(listener)) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { address, taken, stop: Some((stop, running)) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was given.
    pub fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        if let Some((stop, running)) = self.stop.take() {
            let _ = stop.send(());
            let _ = running.join();
        }
    }
}

#[tonic::async_trait]
impl LogsService for Strict {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let token = request.metadata().get("authorization").and_then(|token| token.to_str().ok());
        if token != Some("Bearer secret") {
            return Err(Status::unauthenticated("who are you?"));
        }
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.failing > 0 {
            taken.failing -= 1;
            return Err(Status::unavailable("later"));
        }
        let records = records(request.get_ref()).map_err(Status::invalid_argument)?;
        if taken.rejecting > 0 {
            taken.rejecting -= 1;
            let partial =
                ExportLogsPartialSuccess { rejected_log_records: 1, error_message: "too large".into() };
            return Ok(Response::new(ExportLogsServiceResponse { partial_success: Some(partial) }));
        }
        taken.records.extend(records);
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

/// The records, when everything is as it must be.
fn records(request: &ExportLogsServiceRequest) -> Result<Vec<(u64, String)>, String> {
    let [resource] = request.resource_logs.as_slice() else { return Err("one resource".into()) };
    let attributes = &resource.resource.as_ref().ok_or("no resource")?.attributes;
    if text(attributes, "service.name")? != "oamd" || text(attributes, "service.instance.id")?.is_empty() {
        return Err("not the daemon's".into());
    }
    let [scope] = resource.scope_logs.as_slice() else { return Err("one scope".into()) };
    if scope.scope.as_ref().is_none_or(|scope| scope.name != "oam.audit" || scope.version.is_empty()) {
        return Err("not of the log".into());
    }
    scope.log_records.iter().map(record).collect()
}

fn record(record: &LogRecord) -> Result<(u64, String), String> {
    let Some(Value::StringValue(body)) = record.body.as_ref().and_then(|body| body.value.as_ref()) else {
        return Err("a body is a text".into());
    };
    let entry: serde_json::Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let Some(Value::IntValue(index)) = value(&record.attributes, "oam.index") else {
        return Err("no index".into());
    };
    let index = u64::try_from(*index).map_err(|error| error.to_string())?;
    let leaf = oam_audit::merkle::TreeHash::leaf(body.as_bytes()).to_string();
    let kind = entry["event"]["kind"].as_str().ok_or("no kind")?;
    let is_well = entry["seq"] == index
        && text(&record.attributes, "oam.leaf")? == leaf
        && record.event_name == format!("oam.{kind}")
        && record.time_unix_nano > 1_700_000_000_000_000_000
        && record.observed_time_unix_nano > 0
        && (1..=24).contains(&record.severity_number)
        && !record.severity_text.is_empty();
    if is_well { Ok((index, body.clone())) } else { Err(format!("{record:?}")) }
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_ref().and_then(|AnyValue { value }| value.as_ref())
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Result<&'a str, String> {
    match value(attributes, key) {
        Some(Value::StringValue(text)) => Ok(text),
        _ => Err(format!("no {key}")),
    }
}
