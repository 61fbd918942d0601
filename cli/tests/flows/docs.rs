use std::fs;

use oam_cli::exit::Exit;

use super::oam;

#[tokio::test]
async fn completions_for_every_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = oam(folder.path(), &["completions", shell], b"").await.with(Exit::Ok);
        assert!(ended.out.contains("deactivate") && ended.out.contains("even-if-unknown"), "{shell}");
    }
}

#[tokio::test]
async fn a_man_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    oam(folder.path(), &["man", "pages"], b"").await.with(Exit::Ok);
    for name in [
        "oam",
        "oam-status",
        "oam-snapshot",
        "oam-snapshot-import",
        "oam-snapshot-show",
        "oam-snapshot-diff",
        "oam-snapshot-history",
        "oam-snapshot-rollback",
        "oam-user-show",
        "oam-user-deactivate",
        "oam-user-reactivate",
        "oam-policy-init",
        "oam-policy-schema",
        "oam-policy-check",
        "oam-policy-test",
        "oam-policy-apply",
        "oam-policy-show",
        "oam-policy-history",
        "oam-policy-rollback",
        "oam-explain",
        "oam-who",
        "oam-audit-tail",
        "oam-audit-verify",
        "oam-completions",
        "oam-man",
    ] {
        let page = fs::read_to_string(folder.path().join("pages").join(format!("{name}.1"))).expect(name);
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
    }
}

#[tokio::test]
async fn the_help_lists_the_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let ended = oam(folder.path(), &["--help"], b"").await.with(Exit::Ok);
    for exit in Exit::ALL {
        assert!(ended.out.contains(&format!("  {}  {}", exit.code(), exit.meaning())), "{}", ended.out);
    }
}
