//! What somebody does who has no policy yet, and maybe no daemon.

use std::fs;

use oam_cli::exit::Exit;

use super::oam;

#[tokio::test]
async fn a_policy_is_written_from_options_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        ["--developers", "okta:eng", "--project", "PAY", "--protect", "main", "--pull-requests", "yes"];
    let init = [&["policy", "init", "mine.toml"], &options[..]].concat();
    let ended = oam(folder.path(), &init, b"nobody reads this\n").await.with(Exit::Ok);
    assert!(
        ended.out.contains("1 require") && ended.out.contains("oam policy check mine.toml"),
        "{ended:#?}"
    );
    assert!(ended.err.is_empty(), "nothing is asked where nobody sits: {ended:#?}");
    let text = fs::read_to_string(folder.path().join("mine.toml")).unwrap();
    assert!(text.contains("any = [\"okta:eng\", \"okta:maintainers\"]"), "{text}");
    let checked =
        oam(folder.path(), &["policy", "check", "--offline", "mine.toml"], b"").await.with(Exit::Ok);
    assert!(checked.out.contains("8 tests passed"), "{checked:#?}");

    let again = oam(folder.path(), &init, b"").await.with(Exit::Usage);
    assert!(again.err.contains("never overwritten"), "{again:#?}");
    assert_eq!(fs::read_to_string(folder.path().join("mine.toml")).unwrap(), text);
}

#[tokio::test]
async fn a_folder_is_made_and_the_answer_is_json_too() {
    let folder = tempfile::tempdir().unwrap();
    let ended = oam(folder.path(), &["policy", "init", "policy", "--json"], b"").await.with(Exit::Ok);
    let json = ended.json();
    assert_eq!((json["path"].as_str(), json["roles"].as_u64()), (Some("policy/policy.toml"), Some(2)));
    oam(folder.path(), &["policy", "check", "--offline", "policy"], b"").await.with(Exit::Ok);
    oam(folder.path(), &["policy", "init", "policy"], b"").await.with(Exit::Usage);
    oam(folder.path(), &["policy", "init", "no/such/folder.toml"], b"").await.with(Exit::Usage);
}

#[tokio::test]
async fn a_wrong_option_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ended = oam(folder.path(), &["policy", "init", "--developers", "eng"], b"").await.with(Exit::Usage);
    assert!(ended.err.contains("--developers") && ended.err.contains("okta:eng"), "{ended:#?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_schema_takes_no_daemon_and_is_json_either_way() {
    let folder = tempfile::tempdir().unwrap();
    let plain = oam(folder.path(), &["policy", "schema"], b"").await.with(Exit::Ok);
    let json = oam(folder.path(), &["policy", "schema", "--json"], b"").await.with(Exit::Ok);
    assert_eq!(plain.out, json.out);
    assert_eq!(plain.json(), oam_policy::file::json_schema());
}
