//! Against a receiver that is there, one that is not, and one that says no.

use std::{path::Path, sync::Arc};

use oam_audit::entry::{
    AdminDenied, AppliedUpdate, CanaryOutcome, CanaryTried, Change, Decision, EncodedEvent, Event, Lease,
    Lifted, Outcome, PermittedWhileUnavailable, PrivilegeBegan, PrivilegeEnd, PrivilegeEnded, PrivilegeHeld,
    PrivilegeKind, PrivilegeReminded, PrivilegeReminder, PrivilegeRequested, PrivilegeSort, RefBytes,
    RefsApplied, SpooledUpdate, Time,
};
use oam_fetch::Network;
use oam_policy::PrivilegeId;
use ring::hmac;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    runtime::Runtime,
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    Webhooks,
    message::{Find, Message},
    sender::{is_about_the_message, signature},
};
use crate::{
    audit_log::{AuditLog, Batch, sample},
    config::{WebhookConfig, WebhookFormat},
    privilege::{Privileges, Set},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn log(folder: &Path) -> AuditLog {
    AuditLog::open(&folder.join("audit"), &"node".parse().unwrap()).unwrap().0
}

fn requested(reason: &str) -> Event {
    Event::PrivilegeRequested(PrivilegeRequested {
        id: "7k2m9x".into(),
        privilege: PrivilegeKind::Grant { elevation: "on-call".into(), role: "lead".into() },
        by: "alice".into(),
        actor: "uid 1".into(),
        on: vec!["PAY/api".into()],
        refs: vec!["refs/heads/main".into()],
        seconds: 3_600,
        reason: reason.into(),
        needed: 1,
    })
}

fn ended() -> Event {
    let (id, by) = ("7k2m9x".into(), "clock".into());
    Event::PrivilegeEnded(PrivilegeEnded { id, of: None, cause: PrivilegeEnd::Over, by, reason: None })
}

fn nobody_s() -> Event {
    Event::AdminDenied(AdminDenied { actor: "uid 7".into(), call: "X".into(), times: 1 })
}

async fn append(log: &AuditLog, events: &[Event]) {
    for event in events {
        log.append(Batch::new(event).unwrap()).await.unwrap();
    }
}

fn config(folder: &Path, url: &str, format: WebhookFormat) -> WebhookConfig {
    let secret = folder.join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    WebhookConfig {
        name: "ops".into(),
        url: url.parse().unwrap(),
        format,
        secret: Some(secret),
        network: Network::Loopback,
        ca: None,
    }
}

/// A receiver that answers with these statuses, one after the other and then with 204, and hands on what it got.
async fn receiver(
    listener: TcpListener,
    statuses: &'static [&'static str],
) -> mpsc::UnboundedReceiver<(String, String)> {
    let (got, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut statuses = statuses.iter();
        'connections: while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let (head, body) = loop {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                if read == 0 {
                    // Whoever told it was stopped on the way.
                    continue 'connections;
                }
                bytes.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8(bytes.clone()).unwrap();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break (head.to_owned(), body.to_owned());
                }
            };
            let status = statuses.next().copied().unwrap_or("204 No Content");
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                continue;
            }
            if status.starts_with('2') && got.send((head, body)).is_err() {
                return;
            }
        }
    });
    requests
}

fn start(webhooks: &Arc<Webhooks>, log: &AuditLog) -> CancellationToken {
    let stop = CancellationToken::new();
    let (webhooks, log, stopped) = (Arc::clone(webhooks), log.clone(), stop.clone());
    let folder = tempfile::tempdir().unwrap();
    let privileges = Arc::new(Privileges::open(folder.path().join("privileges"), &log).unwrap());
    tokio::spawn(async move { webhooks.tell(log, privileges, stopped).await });
    stop
}

#[tokio::test]
async fn what_happens_is_told_in_order_signed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    append(&log, &[requested("before it was configured")]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let mut got = receiver(listener, &["500 Internal Server Error", "302 Found"]).await;
    let configured = [config(folder.path(), &url, WebhookFormat::Generic)];
    let webhooks = Arc::new(Webhooks::open(&configured, folder.path(), &log).unwrap());
    let stop = start(&webhooks, &log);
    append(&log, &[nobody_s(), requested("INC-1"), nobody_s(), ended()]).await;
    let (head, body) = got.recv().await.unwrap();
    let header = |name: &str| {
        let prefix = format!("{name}: ");
        head.lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .unwrap_or_else(|| panic!("{head}"))
            .to_owned()
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    assert_eq!(header("oam-signature"), signature(&key, &header("oam-timestamp"), &body));
    assert_ne!(header("oam-signature"), signature(&key, "0", &body));
    assert_eq!(header("oam-entry"), "2");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["event"]["reason"], "INC-1");
    assert_eq!(body["command"], "oam grant approve 7k2m9x");
    let (_, second) = got.recv().await.unwrap();
    assert!(second.contains("privilege-ended"), "{second}");
    stop.cancel();
    // What was taken is not told again.
    let again = Arc::new(Webhooks::open(&configured, folder.path(), &log).unwrap());
    let _stop = start(&again, &log);
    append(&log, &[requested("INC-2")]).await;
    let (_, third) = got.recv().await.unwrap();
    assert!(third.contains("INC-2") || third.contains("privilege-ended"), "{third}");
}

#[test]
fn what_went_in_unchecked_is_an_alarm_and_what_was_permitted_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let log = log(folder.path());
    let canary = |outcome| {
        let (repository, branch) = ("PAY/api".into(), "refs/heads/oam-canary/1".into());
        Event::CanaryTried(CanaryTried { repository, branch, outcome, decision: None, detail: None })
    };
    let at = || Time::from(jiff::Timestamp::UNIX_EPOCH);
    let (name, change) =
        (|| RefBytes::from(b"refs/heads/main".to_vec()), || Change::Create { new: "1".repeat(40) });
    let applied = |decision: Option<&str>| {
        let update = AppliedUpdate { name: name(), change: change(), decision: decision.map(str::to_owned) };
        Event::RefsApplied(RefsApplied {
            report: "r".into(),
            host: "git".into(),
            at: at(),
            repository: "PAY/api".into(),
            principal: "bob".into(),
            channel: "git".into(),
            updates: vec![update],
        })
    };
    let let_in = Event::PermittedWhileUnavailable(PermittedWhileUnavailable {
        spool: "s".into(),
        host: "git".into(),
        at: at(),
        repository: "PAY/api".into(),
        principal: "bob".into(),
        updates: vec![SpooledUpdate { name: name(), change: change() }],
        why: "no daemon".into(),
    });
    let told = |event: Event| message(&runtime, &log, &event).map(|message| message.slack());
    for (event, words) in [
        (canary(CanaryOutcome::Accepted), "ALARM: forbidden branch tried in PAY/api: "),
        (canary(CanaryOutcome::Unknown), "ALARM: forbidden branch tried in PAY/api: "),
        (applied(None), "1 WITHOUT A DECISION"),
        (let_in, "ALARM: push of bob to PAY/api let in without a decision on git"),
    ] {
        let message = told(event).unwrap();
        assert!(message.contains(words) && message.contains("oam status"), "{message}");
    }
    assert_eq!(told(canary(CanaryOutcome::Refused)), None);
    assert_eq!(told(applied(Some("d"))), None);
}

#[test]
fn one_is_told_before_an_end_and_until_somebody_answers_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let log = log(folder.path());
    let told = |about| {
        let end = Time::from(jiff::Timestamp::UNIX_EPOCH);
        let (id, by) = ("7k2m9x".into(), "alice".into());
        let event = Event::PrivilegeReminded(PrivilegeReminded { id, by, about, end, at: end });
        message(&runtime, &log, &event).unwrap()
    };
    let soon = told(PrivilegeReminder::EndsSoon);
    let words = "7k2m9x of alice ends at 1970-01-01T00:00:00.000000Z; whoever needs it for longer asks again";
    assert_eq!(soon.text, words);
    let unsigned = told(PrivilegeReminder::Unsigned);
    let words = "BREAK-GLASS: rules were lifted as 7k2m9x by alice until 1970-01-01T00:00:00.000000Z, \
                 and nobody has answered for it\noam breakglass report 7k2m9x";
    assert_eq!(unsigned.text, words);
}

/// What is told of an event, where nobody knows whose it is.
fn message(runtime: &Runtime, log: &AuditLog, event: &Event) -> Option<Message> {
    message_by(runtime, log, event, &|_| None)
}

/// The same, where `find` knows.
fn message_by(runtime: &Runtime, log: &AuditLog, event: &Event, find: Find<'_>) -> Option<Message> {
    let mut line = Vec::new();
    let at = Time::from(jiff::Timestamp::UNIX_EPOCH);
    EncodedEvent::new(event).unwrap().stamp(7, at, &"node".parse().unwrap(), &mut line);
    runtime.block_on(Message::of(&line, log, find)).unwrap()
}

/// Whose, and what; and nothing of what jobs have.
#[test]
fn what_is_told_says_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let log = log(folder.path());
    let waiver = || PrivilegeKind::Waiver { waiver: "thaw".into(), lifts: vec!["freeze".into()] };
    let grant = || PrivilegeKind::Grant { elevation: "on-call".into(), role: "lead".into() };
    let lease = || {
        PrivilegeKind::Lease(Box::new(Lease {
            workload: "api".into(),
            role: "bot".into(),
            verbs: vec!["update".into()],
            commit: None,
            paths: Vec::new(),
            by_token: false,
            issuer: "https://ci".into(),
            claims: [("repository_id".to_owned(), "7".to_owned())].into(),
            given: None,
        }))
    };
    let asked = |privilege, needed| {
        let Event::PrivilegeRequested(one) = requested("INC-1\noam grant approve 000000") else { panic!() };
        Event::PrivilegeRequested(PrivilegeRequested { privilege, needed, ..one })
    };
    let told =
        |event: &Event, find: Find<'_>| message_by(&runtime, &log, event, find).map(|message| message.text);
    let place = "on refs/heads/main in PAY/api for 60 min: INC-1\\x0aoam grant approve 000000";
    for (privilege, needed, begin, command) in [
        (grant(), 1, "alice asks for the role lead", "\noam grant approve 7k2m9x"),
        (grant(), 0, "alice takes the role lead", ""),
        (waiver(), 1, "BREAK-GLASS: alice asks to lift freeze", "\noam grant approve 7k2m9x"),
        (waiver(), 0, "BREAK-GLASS: alice lifts freeze", ""),
    ] {
        assert_eq!(
            told(&asked(privilege, needed), &|_| None),
            Some(format!("{begin} {place}{command}")),
            "what somebody wrote proposes no command"
        );
    }
    assert_eq!(told(&asked(lease(), 0), &|_| None), None);
    let knows = |privilege: PrivilegeKind| {
        let mut set = Set::default();
        let at = jiff::Timestamp::UNIX_EPOCH;
        set.apply(0, &asked(privilege, 0), at);
        move |id: &PrivilegeId| set.get(id).cloned().map(Arc::new)
    };
    let ended = ended();
    let words = "7k2m9x ended: over, by clock";
    for (privilege, about) in [
        (grant(), Some(": the role lead, for alice")),
        (waiver(), Some(": BREAK-GLASS, alice lifts freeze")),
        (lease(), None),
    ] {
        assert_eq!(told(&ended, &knows(privilege)), about.map(|about| format!("{words}{about}")));
    }
    assert_eq!(told(&ended, &|_| None).as_deref(), Some(words), "of what is forgotten, too");
    // But of no lease, however long ago it was.
    let time = || Time::from(jiff::Timestamp::UNIX_EPOCH);
    for (of, is_told) in
        [(PrivilegeSort::Grant, true), (PrivilegeSort::Waiver, true), (PrivilegeSort::Lease, false)]
    {
        let Event::PrivilegeEnded(one) = ended.clone() else { panic!() };
        let ended = Event::PrivilegeEnded(PrivilegeEnded { of: Some(of), ..one });
        let (id, of) = ("7k2m9x".into(), Some(of));
        let began = Event::PrivilegeBegan(PrivilegeBegan { id, of, from: time(), to: time() });
        for event in [ended, began] {
            assert_eq!(told(&event, &|_| None).is_some(), is_told, "{event:?}");
        }
    }
}

/// Also where the push was so large that the updates stand in entries of their own.
#[tokio::test]
async fn that_the_glass_was_broken_is_told_however_long_the_push_was() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let held = PrivilegeHeld {
        id: "7k2m9x".into(),
        privilege: PrivilegeKind::Waiver { waiver: "thaw".into(), lifts: vec!["freeze".into()] },
        on: vec!["PAY/api".into()],
        refs: vec!["refs/heads/**".into()],
        from: jiff::Timestamp::UNIX_EPOCH.into(),
        to: jiff::Timestamp::UNIX_EPOCH.into(),
        reason: "INC-1".into(),
        approved_by: Vec::new(),
    };
    let lifted = Lifted { rule: "freeze".into(), waiver: "thaw".into(), privilege: Some("7k2m9x".into()) };
    let update = |number: u32| {
        let lifted = if number == 0 { vec![lifted.clone()] } else { Vec::new() };
        sample::created(&format!("refs/heads/{number}"), lifted)
    };
    let decide = async |outcome, count| {
        let head = Decision { privileges: vec![held.clone()], ..sample::decision("alice", outcome) };
        let batch = log.decision(head, (0..count).map(update)).unwrap();
        log.append(batch).await.unwrap();
        let last = log.tail(log.size() - 1, 1).await.unwrap();
        let message = Message::of(&last[0], &log, &|_| None).await.unwrap();
        (log.read(&last[0]).unwrap(), message.map(|message| message.text))
    };
    for count in [1, 1_000] {
        let (entry, told) = decide(Outcome::Permitted, count).await;
        let Event::Decision(decision) = entry.event else { panic!("{entry:?}") };
        assert_eq!(decision.parts > 0, count == 1_000);
        let words = "BREAK-GLASS: alice pushed to PAY/api, freeze lifted as 7k2m9x. Decision ";
        assert_eq!(told, Some(format!("{words}{}", decision.decision)), "{count}");
        assert_eq!(decide(Outcome::Refused, count).await.1, None, "{count}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_down_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut got = receiver(listener, &["503 Service Unavailable"]).await;
    let configured = [config(folder.path(), &url, WebhookFormat::Slack)];
    let webhooks = Arc::new(Webhooks::open(&configured, folder.path(), &log).unwrap());
    append(&log, &[requested("<!channel> & co")]).await;
    let stop = start(&webhooks, &log);
    while webhooks.warnings().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(webhooks.warnings()[0].contains("The webhook `ops` is not told"), "{:?}", webhooks.warnings());
    stop.cancel();
    drop(webhooks);
    // It is well again after a restart of the daemon.
    let webhooks = Arc::new(Webhooks::open(&configured, folder.path(), &log).unwrap());
    let _stop = start(&webhooks, &log);
    let (_, body) = got.recv().await.unwrap();
    assert!(body.contains("&lt;!channel&gt; &amp; co"), "{body}");
}

/// One message that a receiver cannot read does not keep the rest from it…
#[tokio::test]
async fn what_a_receiver_will_have_none_of_is_passed_over_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // One that is not well says nothing of the message.
    let statuses = &["422 Unprocessable", "503 Service Unavailable", "400 Bad Request"];
    let mut got = receiver(listener, statuses).await;
    let configured = [config(folder.path(), &url, WebhookFormat::Generic)];
    let mut webhooks = Webhooks::open(&configured, folder.path(), &log).unwrap();
    Arc::get_mut(&mut webhooks.0[0]).unwrap().most_refusals = 2;
    let webhooks = Arc::new(webhooks);
    append(&log, &[requested("cannot be read"), requested("INC-2")]).await;
    let _stop = start(&webhooks, &log);
    let (_, body) = got.recv().await.unwrap();
    assert!(body.contains("INC-2"), "{body}");
    let told = "The webhook `ops` would not have what it was told of 1 entries, which were passed over; the last was 0: it answered 400";
    let warnings = webhooks.warnings();
    assert!(warnings.iter().any(|one| one.starts_with(told)), "{warnings:?}");
    assert_eq!(webhooks.passed_over().collect::<Vec<_>>(), [("ops", 1)]);
}

/// …but where it is the address or the secret that is wrong, everything waits until somebody has mended that.
#[tokio::test]
async fn what_is_wrong_with_all_messages_passes_over_none() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut got = receiver(listener, &["401 Unauthorized", "404 Not Found", "429 Too Many Requests"]).await;
    let configured = [config(folder.path(), &url, WebhookFormat::Generic)];
    let mut webhooks = Webhooks::open(&configured, folder.path(), &log).unwrap();
    Arc::get_mut(&mut webhooks.0[0]).unwrap().most_refusals = 1;
    let webhooks = Arc::new(webhooks);
    append(&log, &[requested("INC-1")]).await;
    let _stop = start(&webhooks, &log);
    let (_, body) = got.recv().await.unwrap();
    assert!(body.contains("INC-1"), "{body}");
    assert_eq!(webhooks.passed_over().collect::<Vec<_>>(), [("ops", 0)]);
}

#[test]
fn what_is_said_of_the_address_or_the_sender_is_not_said_of_the_message() {
    for status in [401, 402, 403, 404, 405, 407, 408, 410, 421, 425, 426, 429, 500, 503] {
        assert!(!is_about_the_message(status), "{status}");
    }
    for status in [400, 406, 409, 411, 413, 415, 422] {
        assert!(is_about_the_message(status), "{status}");
    }
}

/// Whatever the answer is: one that takes nothing at all would lose everything, one after the other.
#[tokio::test]
async fn of_two_in_a_row_the_second_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let statuses = &["400 Bad Request", "400 Bad Request", "204 No Content", "400 Bad Request"];
    let mut got = receiver(listener, statuses).await;
    let configured = [config(folder.path(), &url, WebhookFormat::Generic)];
    let mut webhooks = Webhooks::open(&configured, folder.path(), &log).unwrap();
    Arc::get_mut(&mut webhooks.0[0]).unwrap().most_refusals = 1;
    let webhooks = Arc::new(webhooks);
    append(&log, &["INC-1", "INC-2", "INC-3", "INC-4"].map(requested)).await;
    let _stop = start(&webhooks, &log);
    for told in ["INC-2", "INC-4"] {
        let (_, body) = got.recv().await.unwrap();
        assert!(body.contains(told), "{body}");
    }
    // Between the two it took one: the third may be what is wrong.
    assert_eq!(webhooks.passed_over().collect::<Vec<_>>(), [("ops", 2)]);
}

#[test]
fn a_secret_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let configured = config(folder.path(), "https://hooks.example.com/x", WebhookFormat::Generic);
    std::fs::write(folder.path().join("secret"), "short").unwrap();
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let log = log(folder.path());
    let configured = WebhookConfig { network: Network::Loopback, ..configured };
    let error = Webhooks::open(&[configured], folder.path(), &log).unwrap_err().to_string();
    assert!(error.contains("16 characters") && !error.contains("short"), "{error}");
}
