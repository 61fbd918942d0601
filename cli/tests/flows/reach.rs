use std::{os::unix::net::UnixListener, process::Stdio};

use oam_cli::exit::Exit;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{Daemon, Ended, Scene, command, oam};

#[tokio::test]
async fn without_a_daemon_it_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let ended = oam(folder.path(), &["status"], b"").await.with(Exit::Unreachable);
    assert!(ended.out.is_empty() && ended.err.contains("is oamd running?"), "{ended:#?}");
    assert!(ended.err.contains(folder.path().to_str().unwrap()));

    let mut usual = command(folder.path(), &["status"]);
    let output = usual.env_remove("OAM_SOCKET").env("XDG_RUNTIME_DIR", "/nowhere").output().await.unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    // A daemon may run on the machine of the tests.
    if !std::path::Path::new("/run/oam/admin.sock").exists() {
        for place in ["`/run/oam/admin.sock`", "`/nowhere/oam/admin.sock`", "`./oam-state/run/admin.sock`"] {
            assert!(err.contains(place), "{err}");
        }
    }
}

#[tokio::test]
async fn a_dead_socket_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(folder.path().join("admin.sock")).unwrap());
    let ended = oam(folder.path(), &["status"], b"").await.with(Exit::Unreachable);
    assert!(ended.err.contains("nobody answers"), "{ended:#?}");
}

#[tokio::test]
async fn a_strangers_socket_is_told_nothing() {
    let scene = Scene::start(Daemon::default());
    let socket = scene.path("admin.sock");
    // Only root can give a file away.
    if std::os::unix::fs::chown(&socket, Some(4711), None).is_err() {
        return;
    }
    let ended = scene.oam(&["status"]).await.with(Exit::NotAllowed);
    assert!(ended.err.contains("uid 4711") && ended.err.contains("--trust-owner 4711"), "{ended:#?}");
    assert_eq!(scene.daemon.asked(), Vec::<String>::new());
    scene.oam(&["status", "--trust-owner", "4711"]).await.with(Exit::Ok);
}

#[tokio::test]
async fn a_reader_that_leaves_is_no_failure() {
    let scene = Scene::start(Daemon::default());
    let mut child = command(scene.folder.path(), &["snapshot", "show"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().unwrap().contains("user-0"));
    drop(lines);
    let output = child.wait_with_output().await.unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    let ended = Ended { code: output.status.code(), out: String::new(), err };
    assert_eq!(ended.with(Exit::Ok).err, "");
}

#[tokio::test]
async fn a_full_disk_is_a_failure() {
    let scene = Scene::start(Daemon::default());
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut status = command(scene.folder.path(), &["status"]);
    let output = status.stdout(Stdio::from(full)).spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(Exit::Usage.code().into()));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot be written"));
}

#[tokio::test]
async fn colour_is_for_who_asks_for_it() {
    let scene = Scene::start(Daemon::default());
    assert!(!scene.oam(&["status"]).await.out.contains('\u{1b}'), "not a terminal");
    assert!(scene.oam(&["status", "--color", "always"]).await.out.contains('\u{1b}'));
    assert!(!scene.oam(&["status", "--color", "always", "--json"]).await.out.contains('\u{1b}'));
}
