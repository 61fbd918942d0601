//! OpenTelemetry's protocol (OTLP) over gRPC: each entry is a log record.

use std::{fs, path::PathBuf};

use hyper_util::rt::TokioIo;
use oam_audit::merkle::TreeHash;
use oam_fetch::{Dialer, Secret};
use opentelemetry_proto::tonic::{
    collector::logs::v1::{ExportLogsServiceRequest, logs_service_client::LogsServiceClient},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
    resource::v1::Resource,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint, Uri},
};
use tower::service_fn;

use super::Item;
use crate::config::ExportFormat;

/// What we call ourselves there.
const SERVICE: &str = "oamd";
/// What the records are about.
const SCOPE: &str = "oam.audit";

/// A collector that speaks OTLP.
#[derive(Debug)]
pub(super) struct Otlp {
    channel: Channel,
    token_file: Option<PathBuf>,
}

impl Otlp {
    /// Connects when something is to be exported, and again when a connection broke.
    pub(super) fn new(host: &Dialer, token_file: Option<PathBuf>) -> Self {
        // What the transport is told is about names in requests; whom it connects to, and by TLS, is ours to say.
        let origin = Uri::try_from(host.url.as_str()).unwrap_or_default();
        let dialer = host.clone();
        let connect = service_fn(move |_: Uri| {
            let dialer = dialer.clone();
            async move { dialer.connect().await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://collector").origin(origin);
        Self { channel: endpoint.connect_with_connector_lazy(connect), token_file }
    }

    /// Exports entries, and returns when the collector has said that it has them.
    pub(super) async fn export(&self, items: &[Item], format: ExportFormat) -> Result<(), String> {
        let mut request = Request::new(logs(items, format));
        if let Some(token) = self.token()? {
            request.metadata_mut().insert("authorization", token);
        }
        let mut client = LogsServiceClient::new(self.channel.clone());
        let answer = client.export(request).await.map_err(|status| said(&status))?.into_inner();
        match answer.partial_success {
            Some(partial) if partial.rejected_log_records != 0 => Err(format!(
                "it rejects {} of {} entries: {}",
                partial.rejected_log_records,
                items.len(),
                partial.error_message.escape_debug()
            )),
            _ => Ok(()),
        }
    }

    /// The token, read again each time: others renew it.
    fn token(&self) -> Result<Option<MetadataValue<Ascii>>, String> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
        let token = Secret::new(text.trim());
        let wrong = |_| format!("what stands in `{}` is no token", path.display());
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.reveal()).parse().map_err(wrong)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Why it did not take them, with the causes that the status hides.
fn said(status: &Status) -> String {
    let mut text = format!("{:?}: {}", status.code(), status.message().escape_debug());
    let mut cause = std::error::Error::source(status);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

fn logs(items: &[Item], format: ExportFormat) -> ExportLogsServiceRequest {
    let node = items.first().map(|item| item.entry.node.to_string()).unwrap_or_default();
    let named = |key: &str, value: Value| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let text = |text: &str| Value::StringValue(text.to_owned());
    let record = |item: &Item| {
        let entry = &item.entry;
        let nanos = u64::try_from(entry.time.timestamp().as_nanosecond()).unwrap_or(0);
        let (severity_number, severity_text) = severity(oam_export::syslog::severity(&entry.event));
        let body = match format {
            ExportFormat::Jsonl => item.line.clone(),
            ExportFormat::Ocsf => item.body(format),
        };
        LogRecord {
            time_unix_nano: nanos,
            observed_time_unix_nano: nanos,
            severity_number: severity_number.into(),
            severity_text: severity_text.to_owned(),
            body: Some(AnyValue { value: Some(Value::StringValue(body)) }),
            attributes: vec![
                named("oam.index", Value::IntValue(i64::try_from(entry.seq).unwrap_or(i64::MAX))),
                named("oam.leaf", text(&TreeHash::leaf(item.line.as_bytes()).to_string())),
            ],
            event_name: format!("oam.{}", entry.event.kind()),
            ..LogRecord::default()
        }
    };
    let scope = InstrumentationScope {
        name: SCOPE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let attributes = vec![named("service.name", text(SERVICE)), named("service.instance.id", text(&node))];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope),
                log_records: items.iter().map(record).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

/// How grave it is, as the data model of OpenTelemetry puts the numbers of syslog.
fn severity(syslog: u8) -> (SeverityNumber, &'static str) {
    match syslog {
        0..=2 => (SeverityNumber::Error2, "CRITICAL"),
        3 => (SeverityNumber::Error, "ERROR"),
        4 => (SeverityNumber::Warn, "WARN"),
        5 => (SeverityNumber::Info2, "NOTICE"),
        _ => (SeverityNumber::Info, "INFO"),
    }
}
