use std::{fs, io, path::Path};

use oam_bitbucket::install::{Chosen, Known};
use oam_fetch::WebUrl;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The file that keeps the numbers of the scripts and what was chosen, for one Bitbucket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Noted {
    url: String,
    pub(super) scripts: Known,
    /// What hook scripts were installed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by_scripts: Option<Chosen>,
    /// The same where the app External Hooks runs the hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by_app: Option<Chosen>,
}

impl Noted {
    /// What was noted; nothing before the first time.
    pub(super) fn read(file: &Path, url: &WebUrl) -> Result<Self, Failure> {
        let none = || Self {
            url: url.as_str().to_owned(),
            scripts: Known::default(),
            by_scripts: None,
            by_app: None,
        };
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(none()),
            Err(error) => return Err(Failure::read(file, error)),
        };
        let noted: Self = serde_json::from_str(&text).map_err(|error| Failure::read(file, error.into()))?;
        if noted.url != url.as_str() {
            let what = format!(
                "`{}` keeps the numbers of scripts in another Bitbucket, {}",
                file.display(),
                noted.url
            );
            return Err(Failure::Usage { what, help: "name another file with --noted" });
        }
        Ok(noted)
    }

    /// Notes it, whole or not at all.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        let fault = |error| Failure::write(file, error);
        let text = serde_json::to_string_pretty(self).map_err(|error| fault(error.into()))?;
        let draft = file.with_extension("draft");
        fs::write(&draft, text + "\n").map_err(fault)?;
        fs::rename(&draft, file).map_err(fault)
    }
}
