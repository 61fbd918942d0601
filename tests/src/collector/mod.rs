//! Collectors of the audit log that are not ours: rsyslog, and a receiver of OTLP that is strict.

mod otlp;
mod rsyslog;

pub use otlp::{OtlpReceiver, Taken};
pub use rsyslog::Rsyslog;
