use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    time::Duration,
};

use oam_policy::{RefName, Username};

use super::{Config, ConfigError, Endpoint, Host, PlainRepository};
use crate::arguments::{Arguments, Call, Command};

const FULL: &str = r#"
endpoints = ["unix:/run/oam/hook.sock", "https://10.0.0.5:7443", "https://[::1]:7443/"]
deadline = "1500ms"
socket_owners = ["root", 998]

[tls]
ca = "/etc/oam/ca.pem"
certificate = "/etc/oam/hook.pem"
key = "/etc/oam/hook.key"
server_name = "oam.example"

[plain]
principal_env = "REMOTE_USER"
repositories = "/srv/git"

[on_unavailable]
action = "open-audited"
refs = ["refs/heads/u/${user}/**", "refs/heads/tmp/*"]
spool = "/var/spool/oam"
"#;

#[test]
fn everything_that_can_be_written() {
    let config = Config::parse(FULL).unwrap();
    assert_eq!(config.endpoints[0], Endpoint::Unix("/run/oam/hook.sock".into()));
    let hosts: Vec<_> = config.endpoints[1..]
        .iter()
        .map(|endpoint| match endpoint {
            Endpoint::Tls(tls) => (tls.host.clone(), tls.port, tls.tls.server_name.as_deref()),
            Endpoint::Unix(path) => panic!("{}", path.display()),
        })
        .collect();
    let address = |text: &str| Host::Address(text.parse().unwrap());
    let name = Some("oam.example");
    assert_eq!(hosts, [(address("10.0.0.5"), 7443, name), (address("::1"), 7443, name)]);
    assert_eq!(config.deadline, Duration::from_millis(1500));
    assert_eq!(config.socket_owners, [0, 998]);
    assert_eq!(config.plain.unwrap().repository, PlainRepository::Below("/srv/git".into()));

    let open = config.on_unavailable.unwrap();
    let alice = Username::parse("alice").unwrap();
    let covers = |name: &[u8]| open.covers(&RefName::parse(name).unwrap(), &alice);
    assert!(covers(b"refs/heads/u/alice/x") && covers(b"refs/heads/tmp/\xff"));
    assert!(!covers(b"refs/heads/u/bob/x") && !covers(b"refs/heads/main"));
}

#[test]
fn an_empty_file_is_the_default() {
    let config = Config::parse("").unwrap();
    assert_eq!(config.endpoints, [Endpoint::Unix("/run/oam/hook.sock".into())]);
    assert_eq!(config.deadline, Duration::from_secs(2));
    assert!(config.plain.is_none() && config.on_unavailable.is_none());
}

#[test]
fn what_is_wrong_is_said() {
    let said: Vec<_> = [
        "endpoint = []",
        "\n\ndeadline = 2",
        "deadline = \"2\"",
        "deadline = \"0s\"",
        "deadline = \"200s\"",
        "endpoints = []",
        "endpoints = [\"http://10.0.0.5:1\"]",
        "endpoints = [\"https://10.0.0.5:1\"]",
        "endpoints = [\"unix:run/x\"]",
        "socket_owners = [\"nobody-such\"]",
        "[plain]\nprincipal_env = \"REMOTE_USER\"",
        "[plain]\nprincipal_env = \"A\"\nrepository = \"x\"",
        "[on_unavailable]\naction = \"open\"\nrefs = [\"**\"]\nspool = \"/x\"",
        "[on_unavailable]\naction = \"open-audited\"\nrefs = []\nspool = \"/x\"",
        "[on_unavailable]\naction = \"open-audited\"\nrefs = [\"a**\"]\nspool = \"/x\"",
        "[on_unavailable]\nrefs = [\"**\"]\nspool = \"/x\"",
    ]
    .iter()
    .map(|text| Config::parse(text).unwrap_err())
    .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    line 1: unknown field `endpoint`, expected one of `endpoints`, `deadline`, `socket_owners`, `tls`, `plain`, `on_unavailable`
    line 3: invalid type: integer `2`, expected a string
    `deadline`: `2` is no time; write `2s` or `500ms`
    `deadline`: more than 0 and at most 100 s is allowed
    `deadline`: more than 0 and at most 100 s is allowed
    `endpoints` is empty
    `endpoints`: `http://10.0.0.5:1` is neither `unix:/path` nor `https://address:port`
    `endpoints`: `https://10.0.0.5:1` needs `[tls]`
    `endpoints`: `run/x` is no absolute path
    `socket_owners`: `/etc/passwd` has no user `nobody-such`; write the number
    `[plain]` needs either `repository` or `repositories`
    `plain.repository`: `x` is no repository: `PROJECT/slug` is expected, with one `/`
    line 2: unknown variant `open`, expected `open-audited`
    `on_unavailable.refs` is empty: list the refs that may go in without a check
    `on_unavailable.refs`: `a**`: `**` stands for whole segments: write `/**` or `**/`, or `*` within a segment
    line 1: missing field `action`
    ");
}

fn load(config: Option<&Path>, program: &Path) -> Result<Config, ConfigError> {
    let call = Call { command: Command::Check, config: config.map(Into::into) };
    Config::load(&call, &[program.as_os_str()].into_iter().collect::<Arguments>())
}

#[test]
fn the_file_beside_the_hook_as_it_was_called() {
    let root = tempfile::tempdir().unwrap();
    let hooks = root.path().join("hooks");
    fs::create_dir(&hooks).unwrap();
    fs::write(root.path().join("oam-hook"), "").unwrap();
    symlink("../oam-hook", hooks.join("pre-receive")).unwrap();
    let hook = hooks.join("pre-receive");
    assert_eq!(load(None, &hook).unwrap().deadline, Duration::from_secs(2));
    fs::write(hooks.join("oam-hook.toml"), "deadline = \"7s\"").unwrap();
    assert_eq!(load(None, &hook).unwrap().deadline, Duration::from_secs(7));
    fs::write(root.path().join("named.toml"), "deadline = \"8s\"").unwrap();
    let named = root.path().join("named.toml");
    assert_eq!(load(Some(&named), &hook).unwrap().deadline, Duration::from_secs(8));
}

#[test]
fn what_others_can_write_is_not_trusted() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("oam-hook.toml");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o646)).unwrap();
    assert!(matches!(load(Some(&file), &file), Err(ConfigError::Untrusted { .. })));
    assert!(matches!(load(None, &root.path().join("hook")), Err(ConfigError::Untrusted { .. })));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(Some(&file), &file).is_ok());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(12_345), None).unwrap();
        assert!(matches!(load(Some(&file), &file), Err(ConfigError::Untrusted { .. })));
    }
}

#[test]
fn a_named_file_must_be_there() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("none.toml");
    assert!(matches!(load(Some(&missing), &missing), Err(ConfigError::Unreadable { .. })));
}
