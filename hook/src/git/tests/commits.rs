use std::{fs, os::unix::fs::PermissionsExt as _};

use oam_policy::name::ObjectFormat;
use proptest::{collection::vec, prelude::*, sample::select};

use super::{Raw, id};
use crate::{
    git::{
        commit::{Commit, MAX_SUBJECT},
        signed::{in_commit, in_tag},
        tag::Tag,
    },
    testing::Git,
};

/// What stands behind `author ` or `committer `.
fn identity() -> impl Strategy<Value = String> {
    let pieces = vec!["A", " ", "<", ">", "a@x", "b@X", "\t", "é", "\"", "<a@x>", " 1 +0000", "("];
    prop_oneof![
        Just("A <a@x> 1700000000 +0000".to_owned()),
        Just("B B <b@x> 1700000000 +0200".to_owned()),
        vec(select(pieces), 0..7).prop_map(|pieces| pieces.concat()),
    ]
}

fn message() -> impl Strategy<Value = String> {
    let pieces = vec![
        "one",
        "two words",
        "\n",
        "\n\n",
        " ",
        "\t",
        "\r",
        "\nSigned-off-by: A <a@x>",
        "\n\nSigned-off-by: B B <b@x>",
        "\nsigned-off-by: <A@X>",
        "\nReviewed-by: C <c@x>",
        "\nprose, and more of it",
        "\u{1b}[0m",
        "é",
    ];
    prop_oneof![
        9 => vec(select(pieces), 0..9).prop_map(|pieces| pieces.concat()),
        1 => Just("long ".repeat(600)),
    ]
}

#[derive(Debug, Clone)]
struct Written {
    author: Option<String>,
    committer: Option<String>,
    extra: Vec<&'static str>,
    message: String,
}

fn commit() -> impl Strategy<Value = Written> {
    let extra = vec![
        "encoding ISO-8859-1\n",
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n",
        "mergetag object 1\n author M <m@x> 1 +0000\n \n committer N <n@x> 1 +0000\n",
        "HG:rename a\n",
    ];
    let maker = || prop::option::weighted(0.9, identity());
    (maker(), maker(), vec(select(extra), 0..3), message())
        .prop_map(|(author, committer, extra, message)| Written { author, committer, extra, message })
}

fn text(written: &Written, tree: &str) -> String {
    let line = |field: &str, who: &Option<String>| {
        who.as_ref().map(|who| format!("{field} {who}\n")).unwrap_or_default()
    };
    let (author, committer) = (line("author", &written.author), line("committer", &written.committer));
    format!("tree {tree}\n{author}{committer}{}\n{}", written.extra.concat(), written.message)
}

fn store_all(git: &Git, written: &[Written]) -> Vec<String> {
    let tree = git.store("tree", b"");
    written.iter().map(|written| git.store("commit", text(written, &tree).as_bytes())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn makers_and_subjects_are_those_of_git(written in vec(commit(), 1..12)) {
        let git = Git::init(&[]);
        let names = store_all(&git, &written);
        let raw = Raw::of(&git);
        for name in &names {
            // The message is not converted: the subject is told as it stands.
            let show = ["-c", "i18n.logOutputEncoding=ISO-8859-1", "log", "-1", "--format=%ae%x00%ce%x00%s%x00"];
            let plain = ["-c", "i18n.logOutputEncoding=UTF-8", "log", "-1", "--format=%ae%x00%ce%x00%s%x00"];
            let data = raw.get(id(name));
            let is_latin = String::from_utf8_lossy(&data).contains("\nencoding ");
            let arguments = [&if is_latin { show } else { plain }[..], &[name.as_str()]].concat();
            let output = git.feed(&arguments, b"");
            let expected: Vec<_> = output.split(|byte| *byte == 0).take(3).collect();
            let commit = Commit::parse(&data).unwrap();
            let makers = commit.makers().unwrap();
            let subject = commit.subject();
            let cut = &expected[2][..expected[2].len().min(MAX_SUBJECT)];
            prop_assert_eq!([makers.author, makers.committer, &subject], [expected[0], expected[1], cut]);
        }
    }

    #[test]
    fn where_git_finds_a_sign_off_so_do_we(written in vec(commit(), 1..12)) {
        let git = Git::init(&[]);
        for written in &written {
            let data = text(written, &"1".repeat(40));
            let commit = Commit::parse(data.as_bytes()).unwrap();
            let makers = commit.makers().unwrap();
            // The trailing line break is what git's own commands see to.
            let message = format!("{}\n", written.message);
            let found = git.feed(&["interpret-trailers", "--parse", "--no-divider"], message.as_bytes());
            let found = String::from_utf8(found).unwrap().to_lowercase();
            let is_of = |email: &[u8]| {
                let email = String::from_utf8(email.to_vec()).unwrap().to_lowercase();
                found.lines().any(|line| {
                    line.starts_with("signed-off-by:") && !email.is_empty() && line.contains(&format!("<{email}>"))
                })
            };
            if is_of(makers.author) || is_of(makers.committer) {
                prop_assert!(commit.is_signed_off(&makers), "{:?}", written.message);
            }
        }
    }
}

/// A verifying program that keeps what git gives it.
fn keeping(git: &Git) -> String {
    let program = git.path("keep");
    let script = format!(
        "#!/bin/sh\nfor a; do case $a in /*) cp \"$a\" '{0}/signature';; esac; done\ncat >'{0}/payload'\nexit 1\n",
        git.dir()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    format!("gpg.program={}", program.display())
}

fn kept(git: &Git, command: &str, name: &str) -> (Vec<u8>, Vec<u8>) {
    let program = keeping(git);
    assert!(!git.succeeds(&["-c", &program, command, name]), "it says that nothing is good");
    (fs::read(git.path("signature")).unwrap(), fs::read(git.path("payload")).unwrap())
}

const ARMOR: &str = "-----BEGIN PGP SIGNATURE-----\n\nx\ny\n-----END PGP SIGNATURE-----\n";

#[test]
fn signatures_and_payloads_are_those_that_git_verifies() {
    let dented = ARMOR.replace('\n', "\n ");
    let dented = dented.trim_end_matches(' ');
    for (options, format, ours, theirs) in [
        (&[][..], ObjectFormat::Sha1, "gpgsig", "gpgsig-sha256"),
        (&["--object-format=sha256"][..], ObjectFormat::Sha256, "gpgsig-sha256", "gpgsig"),
    ] {
        let git = Git::init(options);
        let tree = git.store("tree", b"");
        let makers = "author A <a> 1 +0000\ncommitter A <a> 1 +0000\n";
        for headers in [
            format!("{ours} {dented}"),
            format!("{ours} {dented}encoding x\n"),
            format!("{theirs} {dented}{ours} {dented}"),
            format!("{ours} {dented}{theirs} {dented}x y\n"),
            format!("{ours} {dented}x y\n{ours} {dented}"),
            format!("mergetag object x\n {ours} no\n{ours} {dented}"),
        ] {
            let text = format!("tree {tree}\n{makers}{headers}\nmessage\n\n{ours} no\n");
            let name = git.store("commit", text.as_bytes());
            let signed = in_commit(text.as_bytes(), format).unwrap();
            assert_eq!((signed.signature, signed.payload), kept(&git, "verify-commit", &name), "{text}");
        }
        let commit = git.store("commit", format!("tree {tree}\n{makers}\nm\n").as_bytes());
        let head = format!("object {commit}\ntype commit\ntag x\ntagger A <a> 1 +0000\n");
        for text in [
            format!("{head}\nmessage\n{ARMOR}"),
            format!("{head}\nmessage\n{ARMOR}{ARMOR}"),
            format!("{head}\n{ARMOR}"),
            format!("{head}{theirs} {dented}\nmessage\n{ARMOR}"),
        ] {
            let name = git.store("tag", text.as_bytes());
            let signed = in_tag(text.as_bytes()).unwrap();
            assert_eq!((signed.signature, signed.payload), kept(&git, "verify-tag", &name), "{text}");
        }
        for text in [format!("{head}\nmessage\n"), format!("{head}\n {ARMOR}")] {
            assert_eq!(in_tag(text.as_bytes()), None);
        }
    }
}

#[test]
fn taggers_are_those_of_git() {
    let git = Git::init(&[]);
    let target = git.store("blob", b"");
    for (place, tagger) in
        ["A <a@x> 1 +0000", "A < a > 1 +0000", "A a@x 1 +0000", "<>", ""].iter().enumerate()
    {
        let line = if tagger.is_empty() { String::new() } else { format!("tagger {tagger}\n") };
        let text = format!("object {target}\ntype blob\ntag x\n{line}\nmessage\n");
        let name = git.store("tag", text.as_bytes());
        git.run(&["update-ref", &format!("refs/tags/{place}"), &name]);
        let output =
            git.run(&["for-each-ref", "--format=%(taggeremail:trim)", &format!("refs/tags/{place}")]);
        let tag = Tag::parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(tag.tagger().unwrap()).trim(), output, "{tagger}");
    }
}
