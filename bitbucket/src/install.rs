//! Installing the hook: what is there, what should be, and the steps between.

pub mod app;
mod apply;
pub mod below;
mod chosen;
pub mod drift;
mod plan;
mod seen;

pub use apply::{Progress, apply};
pub use chosen::Chosen;
pub use plan::{Plan, Step};
pub use seen::{Installed, Known, OnProject, Place, Triggers, see, see_repositories};

use crate::script::{Upload, When};

/// What every description of a script of ours begins with.
const OURS: &str = "Bitbucket OAM";

/// The script that Bitbucket runs: it hands over to the binary at its fixed path, and does not change when that is upgraded.
pub fn script(when: When, binary: &str, version: &str) -> Upload {
    let (name, what) = match when {
        When::Before => ("bitbucket-oam", "checks changes before they are made"),
        When::After => ("bitbucket-oam-applied", "reports changes after they were made"),
    };
    let content = format!(
        "#!/bin/sh\n# {OURS} {version}: {what}. Installed by `oam bitbucket install`.\nexec {}\n",
        quoted(binary)
    );
    let mut upload = Upload { name: name.to_owned(), description: String::new(), when, content };
    upload.description = format!("{OURS} {version}: {what}. SHA-256 of this script: {}", upload.digest());
    upload
}

/// For a shell, to the letter.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::{When, script};

    #[test]
    fn the_script_hands_over_to_the_binary() {
        let upload = script(When::Before, "/usr/local/bin/oam-hook", "1.2.3");
        let last = upload.content.lines().last();
        assert_eq!(last, Some("exec /usr/local/bin/oam-hook"));
        assert!(upload.content.starts_with("#!/bin/sh\n") && upload.content.contains("1.2.3"));
        assert!(upload.description.contains(&upload.digest()));
        assert!(upload.name.len() <= 255);
        let odd = script(When::After, "/opt/o'am $x/hook", "1").content;
        assert!(odd.ends_with("exec '/opt/o'\\''am $x/hook'\n"), "{odd}");
    }
}
