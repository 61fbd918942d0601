use std::{collections::VecDeque, sync::Mutex};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use oam_audit::{
    checkpoint::SignedCheckpoint,
    entry::{AdminDenied, Event},
    keys::{CosigningKey, VerifierKey},
    proof::GrowthProof,
    witness::{Seen, judge},
};
use tokio::net::TcpListener;

use super::*;
use crate::audit_log::Batch;

/// A witness in this process, which may be told to answer something else for once.
struct Host {
    key: CosigningKey,
    log: VerifierKey,
    seen: Mutex<Seen>,
    instead: Mutex<VecDeque<(u16, String)>>,
    requests: Mutex<Vec<u64>>,
}

async fn answer(State(host): State<Arc<Host>>, body: String) -> (StatusCode, String) {
    let status = |code| StatusCode::from_u16(code).unwrap();
    let request = GrowthProof::parse(&body).unwrap();
    host.requests.lock().unwrap().push(request.old_size);
    if let Some((code, text)) = host.instead.lock().unwrap().pop_front() {
        return (status(code), text);
    }
    let mut seen = host.seen.lock().unwrap();
    match judge(&request, std::slice::from_ref(&host.log), |_| seen.clone()) {
        Ok((signed, new)) => {
            *seen = new;
            (StatusCode::OK, host.key.cosign(&signed, 1_700_000_000))
        }
        Err(oam_audit::witness::Refusal::OtherSize { seen }) => (StatusCode::CONFLICT, format!("{seen}\n")),
        Err(refusal) => (status(refusal.status()), refusal.to_string()),
    }
}

struct Scene {
    folder: tempfile::TempDir,
    audit: AuditLog,
    host: Arc<Host>,
    config: WitnessConfig,
}

impl Scene {
    async fn start(seen: Seen) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (audit, _) = AuditLog::open(folder.path(), &"node-1".parse().unwrap()).unwrap();
        let key = CosigningKey::from_seed("w1.example".parse().unwrap(), &[1; 32]);
        let host = Arc::new(Host {
            log: audit.verifier().clone(),
            seen: Mutex::new(seen),
            instead: Mutex::default(),
            requests: Mutex::default(),
            key,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/prefix", listener.local_addr().unwrap());
        let router =
            Router::new().route("/prefix/add-checkpoint", post(answer)).with_state(Arc::clone(&host));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = WitnessConfig { url, key: host.key.verifier().clone() };
        Self { folder, audit, host, config }
    }

    async fn grow(&self) {
        let denied = AdminDenied { actor: "mallory".into(), call: "x".into(), times: 1 };
        self.audit.append(Batch::new(&Event::AdminDenied(denied)).unwrap()).await.unwrap();
    }

    /// Waits until the file `checkpoint` is of this many entries and cosigned.
    async fn cosigned(&self, size: u64) {
        until(|| {
            let text = std::fs::read_to_string(self.folder.path().join("checkpoint")).unwrap();
            let signed = SignedCheckpoint::parse(&text).unwrap();
            let found = signed.verify(self.audit.verifier()).unwrap().size;
            found == size && signed.cosigned_by(&self.config.key).is_ok()
        })
        .await;
    }
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    time::timeout(Duration::from_secs(30), waiting).await.expect("it comes about in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_are_cosigned_as_they_come() {
    let scene = Scene::start(Seen::nothing()).await;
    let witnesses = Witnesses::start(&scene.audit, std::slice::from_ref(&scene.config));
    scene.grow().await;
    scene.cosigned(1).await;
    scene.grow().await;
    scene.grow().await;
    scene.cosigned(3).await;
    // The report follows the file.
    let report = [Report { name: "w1.example".into(), size: Some(3), well: true }];
    until(|| witnesses.report() == report).await;
    assert_eq!(witnesses.warnings(), [""; 0]);
    scene.audit.close().await;

    // A daemon that starts anew does not know how far the witness is, and asks.
    let (audit, _) = AuditLog::open(scene.folder.path(), &"node-1".parse().unwrap()).unwrap();
    let again = Witnesses::start(&audit, std::slice::from_ref(&scene.config));
    until(|| again.report()[0].size == Some(3)).await;
    let requests = scene.host.requests.lock().unwrap().clone();
    assert_eq!(requests.last_chunk::<2>().unwrap(), &[0, 3], "{requests:?}");
    audit.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_does_not_cosign_is_told_of() {
    let cases = [
        ((500, "broken".to_owned()), "refuses (500): broken"),
        ((409, "7\n".to_owned()), "has seen 7 entries"),
        ((409, "forked\n".to_owned()), "refuses (409): forked"),
        ((422, "\u{1b}[31m no".to_owned()), "refuses (422)"),
        ((200, "nonsense".to_owned()), "signature line"),
        ((200, String::new()), "no signatures"),
    ];
    for (instead, told) in cases {
        let scene = Scene::start(Seen::nothing()).await;
        scene.host.instead.lock().unwrap().push_back(instead);
        let witnesses = Witnesses::start(&scene.audit, std::slice::from_ref(&scene.config));
        scene.grow().await;
        until(|| !witnesses.warnings().is_empty()).await;
        let warning = witnesses.warnings().concat();
        assert!(warning.contains("w1.example") && !warning.contains('\u{1b}'), "{warning}");
        if told != "no signatures" {
            assert!(warning.contains(told), "{told}: {warning}");
        }
        // It is asked again, and goes on by itself.
        scene.cosigned(1).await;
        until(|| witnesses.warnings().is_empty()).await;
        scene.audit.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_put_back_or_rewritten_is_noticed() {
    for (size, told) in [(9, "has seen 9 entries"), (1, "refuses (409)")] {
        let scene =
            Scene::start(Seen { size, root: oam_audit::merkle::TreeHash::leaf(b"other"), key: None }).await;
        let witnesses = Witnesses::start(&scene.audit, std::slice::from_ref(&scene.config));
        scene.grow().await;
        until(|| witnesses.warnings().concat().contains(told)).await;
        assert!(!witnesses.report()[0].well);
        scene.grow().await;
        assert_eq!(scene.audit.size(), 2, "nothing is held up");
        scene.audit.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_told_of() {
    let mut scene = Scene::start(Seen::nothing()).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    scene.config.url = format!("http://{free}");
    let witnesses = Witnesses::start(&scene.audit, std::slice::from_ref(&scene.config));
    scene.grow().await;
    until(|| witnesses.warnings().concat().contains("cannot be reached")).await;
    scene.audit.close().await;
}

#[test]
fn witnesses_are_named_by_plain_addresses() {
    let address = |url: &str| client::address(url);
    assert_eq!(address("http://w.example"), Ok(("w.example".into(), 80, String::new())));
    assert_eq!(address("http://[::1]:8750/w/"), Ok(("::1".into(), 8750, "/w".into())));
    for wrong in ["", "w.example", "https://w.example", "http://", "http://w/?q", "ftp://w"] {
        assert!(address(wrong).is_err(), "{wrong}");
    }
}
