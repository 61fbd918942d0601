use std::{fs, io, path::Path};

use oam_bitbucket::install::Known;
use oam_fetch::WebUrl;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The file that keeps the numbers of the scripts, for one Bitbucket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Noted {
    url: String,
    scripts: Known,
}

impl Noted {
    /// What was noted; nothing before the first time.
    pub(super) fn read(file: &Path, url: &WebUrl) -> Result<Known, Failure> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Known::default()),
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
        Ok(noted.scripts)
    }

    /// Notes it, whole or not at all.
    pub(super) fn write(file: &Path, url: &WebUrl, scripts: Known) -> Result<(), Failure> {
        let fault = |error| Failure::write(file, error);
        let text = serde_json::to_string_pretty(&Self { url: url.as_str().to_owned(), scripts });
        let text = text.map_err(|error| fault(error.into()))?;
        let draft = file.with_extension("draft");
        fs::write(&draft, text + "\n").map_err(fault)?;
        fs::rename(&draft, file).map_err(fault)
    }
}
