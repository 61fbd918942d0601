//! Against files, and against a collector that reads syslog, well or badly.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use oam_audit::{
    entry::{AdminDenied, Event},
    merkle::TreeHash,
};
use oam_fetch::{Dialer, Network};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
    time,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};
use tokio_util::sync::CancellationToken;

use super::Exports;
use crate::{
    audit_log::{AuditLog, Batch, Keeping},
    config::{ExportConfig, ExportFormat, ExportFrom, ExportTo, SyslogConfirm},
};

fn log(folder: &Path) -> AuditLog {
    AuditLog::open(&folder.join("audit"), &"node".parse().unwrap()).unwrap().0
}

async fn append(log: &AuditLog, count: usize) {
    for _ in 0..count {
        let event = Event::AdminDenied(AdminDenied { actor: "uid 7".into(), call: "X".into(), times: 1 });
        log.append(Batch::new(&event).unwrap()).await.unwrap();
    }
}

fn config(name: &str, from: ExportFrom, to: ExportTo) -> ExportConfig {
    let alarm_after = Duration::from_secs(3600);
    ExportConfig { name: name.into(), format: ExportFormat::Jsonl, from, alarm_after, to }
}

fn to_file(path: &Path) -> ExportTo {
    ExportTo::File { path: path.to_owned(), rotate_mib: 1, keep: 1 }
}

fn start(configured: &[ExportConfig], folder: &Path, log: &AuditLog) -> (Arc<Exports>, CancellationToken) {
    let exports = Arc::new(Exports::open(configured, folder, log).unwrap());
    let stop = CancellationToken::new();
    let (running, log, stopped) = (Arc::clone(&exports), log.clone(), stop.clone());
    tokio::spawn(async move { running.hand_on(log, stopped).await });
    (exports, stop)
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    time::timeout(Duration::from_secs(60), waiting).await.expect("it comes about in time");
}

/// The numbers of the entries in some lines, each seen to be what its leaf hash says.
fn indexes(text: &str) -> Vec<u64> {
    let index = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let (_, entry) = line.split_once(r#""entry":"#).unwrap();
        let leaf = TreeHash::leaf(entry.strip_suffix('}').unwrap().as_bytes());
        assert_eq!(value["leaf"], leaf.to_string());
        assert_eq!(value["entry"]["seq"], value["index"]);
        value["index"].as_u64().unwrap()
    };
    text.lines().map(index).collect()
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_collector_begins_where_it_is_told_and_an_old_one_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    append(&log, 300).await;
    let [all, new] = ["all", "new"].map(|name| folder.path().join(name));
    let configured =
        [config("all", ExportFrom::Start, to_file(&all)), config("new", ExportFrom::Now, to_file(&new))];
    let (exports, stop) = start(&configured, folder.path(), &log);
    append(&log, 2).await;
    until(|| lines(&all) == 302 && lines(&new) == 2).await;
    until(|| exports.reports(&log, Timestamp::now()).iter().all(|one| one.waiting == 0)).await;
    stop.cancel();
    drop(exports);
    append(&log, 3).await;
    let (_exports, _stop) = start(&configured, folder.path(), &log);
    until(|| lines(&all) == 305 && lines(&new) == 5).await;
    assert_eq!(indexes(&fs::read_to_string(&all).unwrap()), (0..305).collect::<Vec<_>>());
    assert_eq!(indexes(&fs::read_to_string(&new).unwrap()), (300..305).collect::<Vec<_>>());
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_not_known_how_far_one_came_all_of_it_is_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    append(&log, 3).await;
    let path = folder.path().join("x");
    fs::create_dir(folder.path().join("exports")).unwrap();
    fs::write(folder.path().join("exports/x"), b"\xff").unwrap();
    let (_exports, _stop) = start(&[config("x", ExportFrom::Now, to_file(&path))], folder.path(), &log);
    until(|| lines(&path) == 3).await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_written_is_an_alarm_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    append(&log, 3).await;
    let path = folder.path().join("later/x");
    let configured = config("x", ExportFrom::Start, to_file(&path));
    let (exports, _stop) = start(std::slice::from_ref(&configured), folder.path(), &log);
    until(|| !exports.warnings(&log, Timestamp::now()).is_empty()).await;
    let warning = exports.warnings(&log, Timestamp::now()).concat();
    assert!(warning.contains("`x` does not take") && warning.contains("3 entries"), "{warning}");
    let later = Timestamp::now() + configured.alarm_after;
    assert_eq!(exports.alarms(&log, later), [warning]);
    assert!(exports.alarms(&log, Timestamp::now()).is_empty() && exports.warnings(&log, later).is_empty());
    let report = exports.reports(&log, later).remove(0);
    assert!(report.taken == 0 && report.waiting == 3 && report.waits >= configured.alarm_after, "{report:?}");
    append(&log, 1).await;
    fs::create_dir(folder.path().join("later")).unwrap();
    until(|| lines(&path) == 4 && exports.warnings(&log, Timestamp::now()).is_empty()).await;
    assert_eq!(indexes(&fs::read_to_string(&path).unwrap()), [0, 1, 2, 3]);
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_went_before_they_were_taken_are_an_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("later/x"), folder.path().join("other"));
    let configured =
        [config("x", ExportFrom::Start, to_file(&path)), config("y", ExportFrom::Start, to_file(&other))];
    let written = log(folder.path());
    append(&written, 700).await;
    written.close().await;
    // The journal lets go of full files at the next start.
    log(folder.path()).close().await;
    let log = log(folder.path());
    let (exports, _stop) = start(&configured, folder.path(), &log);
    until(|| exports.reports(&log, Timestamp::now())[1].taken == 700).await;
    assert_eq!(exports.taken(), 0, "the one who has least counts");

    let keeping = Keeping { keep: "7y".parse().ok(), ..Keeping::default() };
    let in_years = |days: i64| Timestamp::now() + SignedDuration::from_hours(24 * (365 * 7 + days));
    let kept = log.keep_once(&keeping, exports.taken(), in_years(10)).await.unwrap();
    assert_eq!((kept.removed, log.first()), (0, 0), "it waits for it");
    let kept = log.keep_once(&keeping, exports.taken(), in_years(60)).await.unwrap();
    assert!(kept.removed >= 1, "{kept:?}");

    fs::create_dir(folder.path().join("later")).unwrap();
    let first = log.first();
    until(|| exports.taken() == log.size()).await;
    let last = indexes(&fs::read_to_string(&path).unwrap());
    assert_eq!(last, (first..log.size()).collect::<Vec<_>>(), "the rest, and the entry that tells of it");
    let alarms = exports.alarms(&log, Timestamp::now()).concat();
    assert!(alarms.contains("`x`") && alarms.contains(&format!("0 to {}", first - 1)), "{alarms}");
    log.close().await;
}

/// A collector that reads syslog over TLS.
struct Collector {
    host: Dialer,
    /// Each message that was read by a connection that it ended well.
    messages: mpsc::UnboundedReceiver<String>,
    /// Whether it says at the end that it has read everything.
    is_polite: Arc<AtomicBool>,
}

impl Collector {
    async fn start(folder: &Path) -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let ca = folder.join("ca.pem");
        fs::write(&ca, certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (told, messages) = mpsc::unbounded_channel();
        let is_polite = Arc::new(AtomicBool::new(true));
        let polite = Arc::clone(&is_polite);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).await.unwrap();
                if polite.load(Ordering::Relaxed) {
                    unframed(&bytes).into_iter().for_each(|message| drop(told.send(message)));
                    let _ = stream.shutdown().await;
                }
            }
        });
        let url = url.parse().unwrap();
        let host = Dialer { url, network: Network::Loopback, ca: Some(ca), identity: None, protocol: None };
        Self { host, messages, is_polite }
    }

    fn to(&self, confirm: SyslogConfirm) -> ExportTo {
        ExportTo::Syslog { host: self.host.clone(), confirm }
    }

    /// The number of the entry of the next message.
    async fn next(&mut self) -> u64 {
        let message = self.messages.recv().await.unwrap();
        let (head, body) = message.split_once('\u{feff}').unwrap();
        assert!(head.starts_with("<108>1 ") && head.ends_with("node oam - admin-denied - "), "{head}");
        indexes(body)[0]
    }
}

/// The messages of a stream in which each stands behind its length (RFC 5425).
fn unframed(mut bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let (message, rest) = bytes[space + 1..].split_at(length);
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = rest;
    }
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syslog_is_taken_only_when_the_collector_says_that_it_has_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let mut collector = Collector::start(folder.path()).await;
    append(&log, 300).await;
    let configured = [config("siem", ExportFrom::Start, collector.to(SyslogConfirm::CloseNotify))];
    let (exports, _stop) = start(&configured, folder.path(), &log);
    for number in 0..300 {
        assert_eq!(collector.next().await, number);
    }
    until(|| exports.reports(&log, Timestamp::now())[0].taken == 300).await;

    collector.is_polite.store(false, Ordering::Relaxed);
    append(&log, 2).await;
    until(|| exports.warnings(&log, Timestamp::now()).concat().contains("without saying by TLS")).await;
    assert_eq!(exports.reports(&log, Timestamp::now())[0].taken, 300);
    append(&log, 1).await;
    collector.is_polite.store(true, Ordering::Relaxed);
    for number in 300..303 {
        assert_eq!(collector.next().await, number);
    }
    until(|| exports.warnings(&log, Timestamp::now()).is_empty()).await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_says_so_can_be_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let collector = Collector::start(folder.path()).await;
    collector.is_polite.store(false, Ordering::Relaxed);
    append(&log, 2).await;
    let configured = [config("siem", ExportFrom::Start, collector.to(SyslogConfirm::Close))];
    let (exports, _stop) = start(&configured, folder.path(), &log);
    until(|| exports.reports(&log, Timestamp::now())[0].taken == 2).await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_whose_certificate_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let collector = Collector::start(folder.path()).await;
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("ca.pem"), other.cert.pem()).unwrap();
    append(&log, 1).await;
    let configured = [config("siem", ExportFrom::Start, collector.to(SyslogConfirm::Close))];
    let (exports, _stop) = start(&configured, folder.path(), &log);
    until(|| exports.warnings(&log, Timestamp::now()).concat().contains("certificate")).await;
    assert_eq!(exports.reports(&log, Timestamp::now())[0].taken, 0);
    log.close().await;

    let missing = Dialer { ca: Some(PathBuf::from("/nowhere/ca.pem")), ..collector.host };
    let to = ExportTo::Syslog { host: missing, confirm: SyslogConfirm::Close };
    let error =
        Exports::open(&[config("siem", ExportFrom::Now, to)], folder.path(), &log).unwrap_err().to_string();
    assert!(error.contains("`siem`") && error.contains("/nowhere/ca.pem"), "{error}");
}
