use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Proxy, Source, config, feed, own_address, tool};
use crate::{Run, certificates::Authority, temporary, wait};

const PORT: u16 = 10389;
const ROOT: &str = "cn=root,dc=example,dc=com";
const READER: &str = "cn=oam,dc=example,dc=com";
const PASSWORD: &str = "correct horse";

/// A real `slapd` with its own folder; both end with this value.
pub struct OpenLdap {
    folder: TempDir,
    authority: Authority,
    address: Ipv4Addr,
    child: Option<Child>,
    proxy: Proxy,
}

impl OpenLdap {
    /// A server with nobody but the account that reads it, and the objects of `ldif` besides.
    pub fn start(ldif: &str) -> Self {
        Self::start_with(ldif, "", "")
    }

    /// The same, which takes whoever is deleted out of groups.
    pub fn start_with_refint(ldif: &str) -> Self {
        Self::start_with(ldif, "moduleload refint\n", "overlay refint\nrefint_attributes member\n")
    }

    fn start_with(ldif: &str, modules: &str, overlays: &str) -> Self {
        let folder = temporary::folder();
        let authority = Authority::new(folder.path(), "ca");
        let identity = authority.server(folder.path(), "slapd");
        let path = folder.path().display();
        let configuration = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/nis.schema\ninclude /etc/ldap/schema/inetorgperson.schema\n\
             modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload syncprov\n{modules}\
             pidfile {path}/pid\nargsfile {path}/args\n\
             TLSCACertificateFile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\n\
             database mdb\nsuffix dc=example,dc=com\nrootdn {ROOT}\nrootpw root\ndirectory {path}/db\ndbnosync\n\
             index objectClass,entryCSN,entryUUID eq\n\
             limits dn.exact=\"{READER}\" size=unlimited time=unlimited\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"{READER}\" read by * none\n\
             overlay syncprov\nsyncprov-sessionlog 1000\n{overlays}",
            authority.file().display(),
            identity.certificate.display(),
            identity.key.display(),
        );
        fs::write(folder.path().join("slapd.conf"), configuration).unwrap();
        fs::create_dir(folder.path().join("db")).unwrap();
        fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        let address = own_address();
        let proxy = Proxy::to(SocketAddr::new(address.into(), PORT));
        let mut server = Self { folder, authority, address, child: None, proxy };
        let base = format!(
            "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\no: Example\n\n\
             dn: ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\n\n\
             dn: ou=groups,dc=example,dc=com\nobjectClass: organizationalUnit\n\n\
             dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {PASSWORD}\n\n"
        );
        let mut slapadd = server.program("/usr/sbin/slapadd");
        slapadd.args(["-q", "-l", "/dev/stdin"]);
        feed(slapadd, &(base + ldif)).expect_success("slapadd");
        server.launch();
        server
    }

    fn program(&self, path: &str) -> Command {
        let mut command = Command::new(path);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(self.folder.path());
        command.arg("-f").arg(self.folder.path().join("slapd.conf"));
        command
    }

    /// Starts it again.
    pub fn launch(&mut self) {
        assert!(self.child.is_none(), "slapd runs already");
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut slapd = self.program("/usr/sbin/slapd");
        slapd.arg("-h").arg(self.url()).args(["-d", "0"]);
        slapd.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(slapd.spawn().unwrap());
        wait::until("slapd listens", || TcpStream::connect((self.address, PORT)).ok());
    }

    /// Ends it.
    pub fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Lets nobody read this attribute, or again whoever reads the others; from the next start on.
    pub fn hide(&self, attribute: &str, is_hidden: bool) {
        let file = self.folder.path().join("slapd.conf");
        let rule = format!("access to attrs={attribute} by * none\n");
        let others = "access to * by";
        let configuration = fs::read_to_string(&file).unwrap().replace(&rule, "");
        let hiding = configuration.replace(others, &format!("{rule}{others}"));
        fs::write(file, if is_hidden { hiding } else { configuration }).unwrap();
    }

    /// The way from the daemon to it.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn url(&self) -> String {
        format!("ldap://{}:{PORT}", self.address)
    }

    /// The file with the password of the account that reads.
    pub fn password_file(&self) -> std::path::PathBuf {
        self.folder.path().join("password")
    }

    /// The authority of its certificate.
    pub fn ca(&self) -> &Path {
        self.authority.file()
    }

    /// The configuration of a source `corp` that follows it, by StartTLS.
    pub fn config(&self, flavour: &str, more: &str) -> String {
        config(&Source {
            name: "corp",
            flavour,
            urls: vec![format!("ldap://{}", self.proxy.address())],
            ca: self.ca(),
            bind_dn: READER,
            password: self.password_file(),
            people: "ou=people,dc=example,dc=com",
            groups: "ou=groups,dc=example,dc=com",
            more,
        })
    }

    /// Carries out LDIF with changes, or new objects.
    pub fn change(&self, ldif: &str) {
        let mut modify = tool("ldapmodify", &self.url(), ROOT, "root", self.ca());
        modify.arg("-a");
        feed(modify, ldif).expect_success("ldapmodify");
    }

    /// Deletes objects.
    pub fn delete<'a>(&self, dns: impl IntoIterator<Item = &'a str>) {
        let mut delete = tool("ldapdelete", &self.url(), ROOT, "root", self.ca());
        delete.args(dns);
        delete.run().expect_success("ldapdelete");
    }

    /// Gives the account that reads another password.
    pub fn set_password(&self, password: &str) {
        self.change(&format!(
            "dn: {READER}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n"
        ));
    }

    /// A user as LDIF.
    pub fn user(name: &str) -> String {
        format!(
            "dn: uid={name},ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nobjectClass: shadowAccount\nuid: {name}\n\
             cn: {name}\nsn: {name}\nmail: {name}@example.com\n\n"
        )
    }

    /// A group as LDIF, whose members are users, or groups where they begin with `@`.
    pub fn group(name: &str, members: &[&str]) -> String {
        let members: String =
            members.iter().map(|member| format!("member: {}\n", Self::member(member))).collect();
        format!(
            "dn: cn={name},ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: {name}\n{members}\n"
        )
    }

    /// A change of a group's members as LDIF: `add`, `delete` or `replace`.
    pub fn members(group: &str, verb: &str, members: &[&str]) -> String {
        let members: String =
            members.iter().map(|member| format!("member: {}\n", Self::member(member))).collect();
        format!("dn: cn={group},ou=groups,dc=example,dc=com\nchangetype: modify\n{verb}: member\n{members}\n")
    }

    /// A change of one attribute of a user as LDIF.
    pub fn set(user: &str, attribute: &str, value: &str) -> String {
        format!(
            "dn: uid={user},ou=people,dc=example,dc=com\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n"
        )
    }

    fn member(name: &str) -> String {
        match name.strip_prefix('@') {
            Some(group) => format!("cn={group},ou=groups,dc=example,dc=com"),
            // In another spelling than the server's own.
            None => format!("UID={name}, ou=People,dc=example,dc=com"),
        }
    }
}

impl Drop for OpenLdap {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!(
                "--- slapd\n{}",
                fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
            );
        }
    }
}
