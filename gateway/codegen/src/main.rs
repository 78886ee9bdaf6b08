//! Generates the code for Envoy's authorization service from `gateway/proto` into the folder that is named.

use std::{env, error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::args_os().nth(1).ok_or("name the folder to write to")?);
    let protos = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../proto"));
    tonic_prost_build::configure()
        .build_client(false)
        .out_dir(&out)
        .include_file("mod.rs")
        .compile_protos(&[protos.join("envoy/service/auth/v3/external_auth.proto")], &[protos])?;
    Ok(())
}
