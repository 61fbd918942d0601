//! `on_unavailable = open-audited`: what goes in without a check, what does not, and where it is told later.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::{fs, os::unix::fs::PermissionsExt as _};

use common::{A, B, Script, Setting, Z, bitbucket, one_move, permit};
use oam_proto::v1;
use prost::Message as _;
use tonic::Code;

const OPEN: &str = "endpoints = [\"unix:DIR/oam.sock\"]\ndeadline = \"500ms\"\n[on_unavailable]\n\
    action = \"open-audited\"\nrefs = [\"refs/heads/tmp/*\", \"refs/heads/u/${user}/**\"]\nspool = \"DIR/spool\"\n";

fn tmp() -> String {
    format!("{A} {B} refs/heads/tmp/x\n{Z} {B} refs/heads/u/alice/y\n")
}

fn spooled(setting: &Setting) -> Vec<v1::SpooledPush> {
    let mut files: Vec<_> =
        fs::read_dir(setting.path("spool")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| v1::SpooledPush::decode(&*fs::read(path).unwrap()).unwrap()).collect()
}

#[test]
fn goes_in_recorded_and_loudly() {
    let setting = Setting::new(OPEN);
    let ran = setting.push(tmp());
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(ran.words().contains("Push let in WITHOUT A CHECK"), "{}", ran.text);
    let [push] = &spooled(&setting)[..] else { panic!() };
    assert!(ran.text.contains(&format!("Record: {}", push.id)), "{}", ran.text);
    let opening = push.opening.as_ref().unwrap();
    assert_eq!((opening.repository.as_str(), opening.pusher.as_str()), ("PAY/api", "alice"));
    let names: Vec<_> = push.updates.iter().map(|update| update.name.as_slice()).collect();
    assert_eq!(names, [&b"refs/heads/tmp/x"[..], b"refs/heads/u/alice/y"]);
    assert!(push.why.contains("No such file") && push.at_micros > 0 && !push.host.is_empty());
}

#[test]
fn one_ref_that_is_not_covered_closes_it() {
    let setting = Setting::new(OPEN);
    setting.push(format!("{}{A} {B} refs/heads/main\n", tmp())).assert_undecided("no such file");
    setting.push(format!("{A} {B} refs/heads/u/bob/y\n")).assert_undecided("no such file");
    assert!(spooled(&setting).is_empty());
}

#[test]
fn a_symbolic_ref_does_not_open_its_target() {
    let setting = Setting::new(OPEN);
    for folder in ["repo/objects", "repo/refs/heads/tmp"] {
        fs::create_dir_all(setting.path(folder)).unwrap();
    }
    fs::write(setting.path("repo/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(setting.path("repo/refs/heads/tmp/x"), "ref: refs/heads/main\n").unwrap();
    let ran = setting.run_in(&setting.path("repo"), &bitbucket(), &[], tmp());
    ran.assert_undecided("no such file");
    assert!(spooled(&setting).is_empty());
}

#[test]
fn an_answer_that_is_none_is_not_an_absence() {
    for script in [
        Script::Fail(Code::Internal),
        Script::End,
        Script::Decide(v1::Decision { outcome: 0, ..permit(0) }),
        Script::Decide(v1::Decision { outcome: v1::Outcome::Undecided as i32, ..permit(0) }),
        // A push that is slow to check must not get in by being slow.
        Script::AskAndHang,
        // Nor because the daemon waits for somebody else.
        Script::WorkAndHang,
    ] {
        let setting = Setting::new(OPEN);
        setting.serve("oam.sock", script);
        assert_eq!(setting.push(tmp()).code, 75);
        assert!(spooled(&setting).is_empty());
    }
    let untrusted = Setting::new(OPEN);
    untrusted.serve("oam.sock", Script::Permit);
    fs::set_permissions(untrusted.path("oam.sock"), fs::Permissions::from_mode(0o666)).unwrap();
    untrusted.push(tmp()).assert_undecided("not to be trusted");
}

#[test]
fn a_daemon_that_is_unavailable_or_mute_is_absent() {
    for script in [Script::Fail(Code::Unavailable), Script::Hang] {
        let setting = Setting::new(OPEN);
        setting.serve("oam.sock", script);
        assert_eq!(setting.push(tmp()).code, 0);
        assert_eq!(spooled(&setting).len(), 1);
    }
}

#[test]
fn a_push_too_big_for_one_message_stays_out() {
    let setting = Setting::new(OPEN);
    let many: String = (0..2_001).map(|index| format!("{Z} {A} refs/heads/tmp/{index}\n")).collect();
    setting.push(many).assert_undecided("no such file");
}

#[test]
fn what_cannot_be_recorded_does_not_go_in() {
    let setting = Setting::new(OPEN);
    fs::remove_dir(setting.path("spool")).unwrap();
    setting.push(tmp()).assert_undecided("that could not be recorded");
}

#[test]
fn a_dry_run_is_not_recorded() {
    let setting = Setting::new(OPEN);
    let mut variables = bitbucket();
    variables.extend([("BB_HOOK_TRIGGER_ID", "pull-request-merge"), ("BB_IS_DRY_RUN", "true")]);
    variables.extend([("BB_TO_REF", "tmp/x"), ("BB_TO_HASH", A)]);
    let ran = setting.run(&variables, "");
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(ran.words().contains("Merge would be let in WITHOUT A CHECK"));
    assert!(spooled(&setting).is_empty());
}

fn deliver(setting: &Setting) -> common::Ran {
    setting.run_in(setting.folder.path(), &[], &["deliver"], "")
}

#[test]
fn delivered_by_the_timer() {
    let setting = Setting::new(OPEN);
    assert_eq!(deliver(&setting).text, "Nothing to deliver.\n");
    for _ in 0..6 {
        assert_eq!(setting.push(tmp()).code, 0);
    }
    let waiting = spooled(&setting);
    let ran = deliver(&setting);
    assert!(
        ran.code == 75 && ran.text.contains("Nothing was delivered: no Bitbucket OAM daemon could be asked"),
        "{}",
        ran.text
    );
    assert_eq!(spooled(&setting), waiting);

    setting.serve("oam.sock", Script::Permit);
    let ran = deliver(&setting);
    assert_eq!((ran.code, ran.text.as_str()), (0, "Delivered: 6.\n"));
    assert_eq!(setting.heard().spooled, waiting);
    assert!(spooled(&setting).is_empty());
}

#[test]
fn kept_when_the_daemon_does_not_take_it() {
    let setting = Setting::new(OPEN);
    setting.push(tmp());
    setting.serve("oam.sock", Script::Fail(Code::ResourceExhausted));
    let ran = deliver(&setting);
    assert!(ran.code == 75 && ran.words().contains("no space"), "{}", ran.text);
    assert_eq!(spooled(&setting).len(), 1);
}

#[test]
fn a_spoiled_record_holds_nothing_up() {
    let setting = Setting::new(OPEN);
    fs::write(setting.path("spool/0.push"), b"\xff\xff\xff").unwrap();
    setting.push(tmp());
    setting.serve("oam.sock", Script::Permit);
    let ran = deliver(&setting);
    assert!(ran.code == 75 && ran.words().contains("Delivered: 1. Set aside"), "{}", ran.text);
    assert!(setting.path("spool/0.bad").exists());
    assert_eq!(setting.heard().spooled.len(), 1);
}

#[test]
fn the_next_checked_push_delivers_a_few() {
    let setting = Setting::new(OPEN);
    setting.push(tmp());
    setting.push(tmp());
    setting.serve("oam.sock", Script::Permit);
    setting.configure(&OPEN.replace("500ms", "60s"));
    setting.push(one_move()).assert_permitted();
    assert_eq!(setting.heard().spooled.len() + spooled(&setting).len(), 2);
    assert!(!setting.heard().spooled.is_empty());
}
