//! Compiles the `.proto` files without `protoc`, which a build machine need not have.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = [
        "oam/v1/authorize.proto",
        "oam/v1/replay.proto",
        "oam/v1/source.proto",
        "oam/v1/privilege.proto",
        "oam/v1/secrets.proto",
        "oam/v1/signals.proto",
        "oam/v1/bitbucket.proto",
        "oam/v1/admin.proto",
        "oam/v1/identity.proto",
    ];
    let descriptors = protox::compile(files, ["proto"])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("oam.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_server(env::var_os("CARGO_FEATURE_SERVER").is_some())
        .build_transport(false)
        // Secret: see `src/shown.rs`.
        .skip_debug([".oam.v1.ShownLease"])
        .compile_fds(descriptors)?;
    Ok(())
}
