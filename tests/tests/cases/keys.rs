//! Keys with which people of a case sign: made once, and kept with what is built.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oam_tests::Run as _;

/// The private key of somebody, for `user.signingKey`.
pub(crate) fn private(name: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("case-keys");
    let folder = all.join(name);
    if !folder.exists() {
        // Tests run at the same time: the first that is done has made it.
        let draft = all.join(format!("{name}.{}", std::process::id()));
        fs::create_dir_all(&draft).unwrap();
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(draft.join("key"));
        keygen.run().expect_success("ssh-keygen");
        if fs::rename(&draft, &folder).is_err() {
            fs::remove_dir_all(&draft).unwrap();
        }
    }
    folder.join("key")
}

/// The public key of somebody, as a directory file has it.
pub(crate) fn public(name: &str) -> String {
    fs::read_to_string(private(name).with_extension("pub")).unwrap().trim().to_owned()
}
