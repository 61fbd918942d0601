//! Collectors of the audit log that are not ours. They are killed, the daemon is killed, and nothing is lost.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use oam_audit::merkle::TreeHash;
use oam_tests::{
    BareRepo, Daemon, HookConfig,
    certificates::Authority,
    collector::{OtlpReceiver, Rsyslog, Taken},
    daemon::Setup,
    sample, wait,
};
use serde_json::Value;

/// Cuts bob off and lets him in again, so often: two entries each time.
fn entries(daemon: &Daemon, rounds: usize) {
    for _ in 0..rounds {
        daemon.deactivate("bob").expect_success("oam user deactivate");
        daemon.oam(["user", "reactivate", "bob", "--reason", "r"]).expect_success("oam user reactivate");
    }
}

/// The numbers of the entries in some lines, each seen to hold the bytes that the log holds.
fn indexes(text: &str, log: &[Vec<u8>]) -> Vec<usize> {
    let index = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let index = usize::try_from(value["index"].as_u64().unwrap()).unwrap();
        let entry = line.split_once(r#""entry":"#).unwrap().1.strip_suffix('}').unwrap();
        assert_eq!(entry.as_bytes(), log[index], "{index}");
        assert_eq!(value["leaf"], TreeHash::leaf(entry.as_bytes()).to_string());
        index
    };
    text.lines().map(index).collect()
}

/// The entries of a log that was closed, as their bytes.
fn log(daemon: &Daemon) -> Vec<Vec<u8>> {
    daemon.audit().entries.iter().map(|entry| entry.encode().unwrap()).collect()
}

/// Every entry is there, and what is there twice follows on a place that was told before.
fn assert_all(indexes: &[usize], log: &[Vec<u8>]) {
    let mut next = 0;
    for index in indexes {
        assert!(*index <= next, "a gap before {index}: {indexes:?}");
        next = next.max(index + 1);
    }
    assert_eq!(next, log.len(), "{indexes:?}");
}

fn collectors(daemon: &Daemon) -> Vec<Value> {
    let status = daemon.oam(["status", "--json"]).expect_success("oam status").stdout_text();
    let status: Value = serde_json::from_str(&status).unwrap();
    status["collectors"].as_array().unwrap().clone()
}

/// Waits until every collector has all entries.
fn settled(daemon: &Daemon) {
    let has_all = |one: &Value| one["waiting"] == 0 && one["trouble"].is_null();
    wait::until("the collectors have all entries", || collectors(daemon).iter().all(has_all).then_some(()));
}

/// The lines that a collector has written whole: it was killed three times, maybe in the middle of one, and writes the next
/// behind it.
fn whole(told: &str) -> String {
    let begins = |line: &str| line.rfind(r#"{"index":"#).map(|begin| line[begin..].to_owned());
    let is_whole = |line: &String| serde_json::from_str::<Value>(line).is_ok();
    let whole: Vec<_> = told.lines().filter_map(begins).filter(is_whole).collect();
    assert!(told.lines().count() - whole.len() <= 3, "{told}");
    whole.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn rsyslog_over_tls_loses_nothing_whoever_is_killed() {
    if !Rsyslog::is_there() {
        return;
    }
    let mut rsyslog = Rsyslog::start();
    let config = rsyslog.config("from = \"start\"\nalarm_after = \"1s\"");
    let mut daemon = Daemon::start_with(&Setup { config, ..Setup::default() });
    settled(&daemon);
    for round in 0..3 {
        entries(&daemon, 2);
        // In the middle of whatever it does.
        rsyslog.kill();
        entries(&daemon, 2);
        let alarm =
            || daemon.oam(["status"]).stdout_text().contains("ALARM: The collector `siem` does not take");
        wait::until("a collector that is down is an alarm", || alarm().then_some(()));
        if round == 1 {
            daemon.kill();
            daemon.spawn();
        }
        rsyslog.launch();
        entries(&daemon, 1);
        daemon.kill();
        daemon.spawn();
        settled(&daemon);
    }
    daemon.stop();
    daemon.spawn();
    settled(&daemon);
    // What comes after the last look is the end of this daemon, which the next one hands on.
    let told = whole(&rsyslog.told());
    daemon.stop();
    let mut log = log(&daemon);
    log.truncate(log.len() - 1);
    assert_all(&indexes(&told, &log), &log);
}

#[test]
fn otlp_is_taken_by_the_published_types_whoever_fails() {
    let folder = oam_tests::temporary::folder();
    let authority = Authority::new(folder.path(), "ca");
    let server = authority.server(folder.path(), "collector");
    let taken = Arc::new(Mutex::new(Taken { failing: 2, rejecting: 1, ..Taken::default() }));
    let receiver = OtlpReceiver::start("127.0.0.1:0".parse().unwrap(), &server, Arc::clone(&taken));
    let address = receiver.address();
    let token = folder.path().join("token");
    fs::write(&token, "wrong\n").unwrap();
    let config = format!(
        "[export.otel]\nkind = \"otlp\"\nfrom = \"start\"\nurl = \"https://{address}\"\nnetwork = \"loopback\"\nca = \"{}\"\n\
         token_file = \"{}\"\n",
        authority.file().display(),
        token.display()
    );
    let mut daemon = Daemon::start_with(&Setup { config, ..Setup::default() });
    let trouble = |daemon: &Daemon, part: &str| {
        wait::until("it is told why", || {
            let trouble = collectors(daemon)[0]["trouble"].as_str()?.to_owned();
            trouble.contains(part).then_some(())
        });
    };
    trouble(&daemon, "who are you?");
    fs::write(&token, "secret\n").unwrap();
    trouble(&daemon, "rejects 1 of");
    settled(&daemon);
    drop(receiver);
    entries(&daemon, 2);
    daemon.kill();
    daemon.spawn();
    entries(&daemon, 2);
    trouble(&daemon, "");
    let receiver = OtlpReceiver::start(address, &server, taken);
    settled(&daemon);
    let records = std::mem::take(&mut receiver.taken().records);
    daemon.stop();
    let mut log = log(&daemon);
    log.truncate(log.len() - 1);
    for (index, body) in &records {
        assert_eq!(body.as_bytes(), log[usize::try_from(*index).unwrap()]);
    }
    let indexes: Vec<_> = records.iter().map(|(index, _)| usize::try_from(*index).unwrap()).collect();
    assert_all(&indexes, &log);
}

/// Follows a file and those that were put aside, as shippers of logs do: each file by what it is, not by its name.
struct Tailer {
    path: PathBuf,
    /// What was read of each, by its inode.
    read: BTreeMap<u64, String>,
}

impl Tailer {
    fn on(path: &Path) -> Self {
        Self { path: path.to_owned(), read: BTreeMap::new() }
    }

    /// The files, the oldest first.
    fn files(&self) -> Vec<fs::File> {
        let aside = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
        let mut names: Vec<_> = (1..).map(aside).take_while(|path| path.exists()).collect();
        names.reverse();
        names.push(self.path.clone());
        names.iter().filter_map(|path| fs::File::open(path).ok()).collect()
    }

    fn look(&mut self) {
        for mut file in self.files() {
            let read = self.read.entry(file.metadata().unwrap().ino()).or_default();
            file.seek(SeekFrom::Start(read.len() as u64)).unwrap();
            file.read_to_string(read).unwrap();
        }
    }

    /// All that was read.
    fn text(&self) -> String {
        self.files().iter().map(|file| self.read[&file.metadata().unwrap().ino()].as_str()).collect()
    }
}

#[test]
fn a_file_is_rotated_under_a_tailer_and_every_line_is_read_once() {
    let mut daemon = Daemon::start_with(&Setup { config: String::new(), ..Setup::default() });
    daemon.stop();
    let path = daemon.folder().join("audit.jsonl");
    let config = format!(
        "[export.tail]\nkind = \"file\"\nfrom = \"start\"\npath = \"{}\"\nrotate_mib = 1\nkeep = 50\n",
        path.display()
    );
    daemon.write_config(&config);
    daemon.spawn();
    let mut tailer = Tailer::on(&path);
    let repository = BareRepo::with(&HookConfig::plain(&daemon, sample::REPOSITORY));
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    for round in 0..4 {
        // Pushes of many refs fill a file soon.
        let refs = (0..1_200).map(|number| format!("HEAD:refs/heads/feature/{round}-{number}\n"));
        assert!(work.send_pack(refs.collect::<String>().as_bytes()).accepted());
        if round % 2 == 1 {
            daemon.kill();
            daemon.spawn();
        }
        tailer.look();
    }
    settled(&daemon);
    tailer.look();
    assert!(fs::metadata(daemon.folder().join("audit.jsonl.1")).is_ok(), "it was rotated");
    daemon.stop();
    let mut log = log(&daemon);
    log.truncate(log.len() - 1);
    assert_eq!(
        indexes(&tailer.text(), &log),
        (0..log.len()).collect::<Vec<_>>(),
        "once each, and none is torn"
    );
}
