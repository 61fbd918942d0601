use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::Engine as _;
use tempfile::TempDir;

use super::{Proxy, Source, config, feed, own_address, tool};
use crate::{Run, certificates::Authority, temporary, wait};

const BASE: &str = "OU=Staff,DC=corp,DC=example";
const ADMINISTRATOR: &str = "CN=Administrator,CN=Users,DC=corp,DC=example";
const PASSWORD: &str = "Passw0rd-of-tests";
/// How long a busy machine may take to make a domain.
const PROVISION: Duration = Duration::from_secs(600);
/// The way in which an account needs no password.
const NORMAL: u32 = 0x220;

/// A real domain controller of Samba with its own folder and address; both end with this value.
pub struct Samba {
    folder: TempDir,
    authority: Authority,
    address: Ipv4Addr,
    child: Option<Child>,
    proxy: Proxy,
}

impl Samba {
    /// Whether its ports, which are fixed and low, can be bound here.
    pub fn can_bind() -> bool {
        std::net::TcpListener::bind((own_address(), 636)).is_ok()
    }

    /// A new domain with an empty unit `Staff`.
    pub fn start() -> Self {
        let folder = temporary::folder();
        let authority = Authority::new(folder.path(), "ca");
        let identity = authority.server(folder.path(), "dc");
        let address = own_address();
        let path = folder.path().display();
        let mut provision = Command::new("samba-tool");
        provision.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(folder.path());
        provision.args(["domain", "provision", "--realm=CORP.EXAMPLE", "--domain=CORP", "--server-role=dc"]);
        provision.args(["--dns-backend=NONE", "--host-name=dc1"]);
        provision.arg(format!("--host-ip={address}")).arg(format!("--adminpass={PASSWORD}"));
        provision.arg(format!("--targetdir={path}/dc"));
        // A few seconds of work, and much of it waits for the disk.
        provision.run_within(b"", PROVISION).expect_success("samba-tool domain provision");
        let configuration = format!(
            "[global]\nnetbios name = DC1\nrealm = CORP.EXAMPLE\nworkgroup = CORP\n\
             server role = active directory domain controller\nserver services = ldap\n\
             interfaces = {address}/8\nbind interfaces only = yes\ndisable netbios = yes\n\
             private dir = {path}/dc/private\nstate directory = {path}/dc/state\ncache directory = {path}/dc/cache\n\
             lock dir = {path}/dc\npid directory = {path}/run\nncalrpc dir = {path}/ncalrpc\nlog file = {path}/log\n\
             tls enabled = yes\ntls cafile = {}\ntls certfile = {}\ntls keyfile = {}\n",
            authority.file().display(),
            identity.certificate.display(),
            identity.key.display(),
        );
        fs::write(folder.path().join("smb.conf"), configuration).unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        fs::write(folder.path().join("password"), PASSWORD).unwrap();
        let proxy = Proxy::to(SocketAddr::new(address.into(), 636));
        let mut samba = Self { folder, authority, address, child: None, proxy };
        samba.launch();
        samba.change(&format!("dn: {BASE}\nobjectClass: organizationalUnit\n\n"));
        samba
    }

    /// Starts it again.
    pub fn launch(&mut self) {
        assert!(self.child.is_none(), "samba runs already");
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("out")).unwrap();
        let mut samba = Command::new("samba");
        samba.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(self.folder.path());
        samba.args(["-F", "--no-process-group", "-M", "single", "--debug-stdout", "-s"]);
        samba.arg(self.folder.path().join("smb.conf"));
        samba.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(samba.spawn().unwrap());
        wait::until("samba listens", || TcpStream::connect((self.address, 636)).ok());
    }

    /// Ends it.
    pub fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = fs::remove_file(self.folder.path().join("run/samba.pid"));
    }

    /// The way from the daemon to it.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The configuration of a source `corp` that follows it, by LDAPS.
    pub fn config(&self, more: &str) -> String {
        self.config_of(ADMINISTRATOR, more)
    }

    /// Makes an ordinary account, which may read and has the administrator's password; gives its distinguished name.
    pub fn add_reader(&self, name: &str) -> String {
        let dn = format!("CN={name},CN=Users,DC=corp,DC=example");
        let password: Vec<u8> = format!("\"{PASSWORD}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let password = base64::engine::general_purpose::STANDARD.encode(password);
        self.change(&format!(
            "dn: {dn}\nobjectClass: user\nsAMAccountName: {name}\nunicodePwd:: {password}\nuserAccountControl: 512\n\n"
        ));
        dn
    }

    /// The same, read by another account.
    pub fn config_of(&self, bind_dn: &str, more: &str) -> String {
        config(&Source {
            name: "corp",
            flavour: "active-directory",
            urls: vec![format!("ldaps://{}", self.proxy.address())],
            ca: self.authority.file(),
            bind_dn,
            password: self.folder.path().join("password"),
            people: BASE,
            groups: BASE,
            more,
        })
    }

    fn tool(&self, program: &str) -> Command {
        // Its certificate is for 127.0.0.1, which the proxy listens on.
        let url = format!("ldaps://{}", self.proxy.address());
        let direct = format!("ldaps://{}", self.address);
        let mut command = tool(
            program,
            if self.proxy.is_cut() { &direct } else { &url },
            ADMINISTRATOR,
            PASSWORD,
            self.ca(),
        );
        command.env("LDAPTLS_REQCERT", "never");
        command
    }

    fn ca(&self) -> &Path {
        self.authority.file()
    }

    /// Carries out LDIF with changes, or new objects.
    pub fn change(&self, ldif: &str) {
        let mut modify = self.tool("ldapmodify");
        modify.arg("-a");
        feed(modify, ldif).expect_success("ldapmodify");
    }

    /// Deletes a user or a group.
    pub fn delete(&self, name: &str) {
        let mut delete = self.tool("ldapdelete");
        delete.arg(Self::dn(name));
        delete.run().expect_success("ldapdelete");
    }

    fn dn(name: &str) -> String {
        format!("CN={name},{BASE}")
    }

    /// A user as LDIF.
    pub fn user(name: &str) -> String {
        format!(
            "dn: {}\nobjectClass: user\nsAMAccountName: {name}\nuserAccountControl: {NORMAL}\nmail: {name}@corp.example\n\n",
            Self::dn(name)
        )
    }

    /// A group as LDIF.
    pub fn group(name: &str, members: &[&str]) -> String {
        let members: String =
            members.iter().map(|member| format!("member: {}\n", Self::dn(member))).collect();
        format!("dn: {}\nobjectClass: group\nsAMAccountName: {name}\n{members}\n", Self::dn(name))
    }

    /// A unit in `Staff` as LDIF.
    pub fn unit(name: &str) -> String {
        format!("dn: OU={name},{BASE}\nobjectClass: organizationalUnit\n\n")
    }

    /// Another name for a user or a group in `Staff`, perhaps in one of its units, as LDIF. By what rules know them stays as it was.
    pub fn renamed(name: &str, now: &str, unit: Option<&str>) -> String {
        let unit = unit.map(|unit| format!("newsuperior: OU={unit},{BASE}\n")).unwrap_or_default();
        let dn = Self::dn(name);
        format!("dn: {dn}\nchangetype: modrdn\nnewrdn: CN={now}\ndeleteoldrdn: 1\n{unit}\n")
    }

    /// A change of a group's members as LDIF: `add` or `delete`.
    pub fn members(group: &str, verb: &str, members: &[&str]) -> String {
        let members: String =
            members.iter().map(|member| format!("member: {}\n", Self::dn(member))).collect();
        format!("dn: {}\nchangetype: modify\n{verb}: member\n{members}\n", Self::dn(group))
    }

    /// A change of one attribute as LDIF.
    pub fn set(name: &str, attribute: &str, value: &str) -> String {
        format!("dn: {}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n", Self::dn(name))
    }

    /// Disables an account, or enables it again.
    pub fn disable(name: &str, disabled: bool) -> String {
        Self::set(name, "userAccountControl", &(NORMAL | (u32::from(disabled) << 1)).to_string())
    }

    /// When an account ends, in the words of Active Directory.
    pub fn expires(name: &str, at: std::time::SystemTime) -> String {
        let since_1970 = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() / 100;
        Self::set(name, "accountExpires", &(since_1970 + 116_444_736_000_000_000).to_string())
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!(
                "--- samba\n{}",
                fs::read_to_string(self.folder.path().join("out")).unwrap_or_default()
            );
        }
    }
}
