use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use oam_policy::Digest;
use sha2::{Digest as _, Sha256};

use super::durable;

/// A file that ends with the SHA-256 of all before it, written piece by piece: what is written need not be in memory as a whole.
#[derive(Debug)]
pub(crate) struct Summed {
    file: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Summed {
    /// Begins a file of this user only.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(durable::create(path)?), hasher: Sha256::new(), bytes: 0 })
    }

    /// Ends it, durably but for its name; tells the sum, and how long it has become.
    pub(crate) fn finish(mut self) -> io::Result<(Digest, u64)> {
        let sum = Digest::from_bytes(self.hasher.finalize().into());
        self.file.write_all(sum.as_bytes())?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok((sum, self.bytes + sum.as_bytes().len() as u64))
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
