//! Makes the seeds in `corpus/`: from the conformance data beside the repository (or in `PINREEL_CONFORMANCE`), and from
//! a few shapes written down here. Run it in `fuzz/`; what was found by fuzzing stays where it is.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use pinreel_content::car::BlockReader;
use pinreel_content::{DAG_CBOR, DAG_JSON, DAG_PB};

/// Longer seeds teach a fuzzer nothing that shorter ones don't.
const LONGEST: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let data = std::env::var_os("PINREEL_CONFORMANCE").map_or_else(|| "../../shared/conformance".into(), PathBuf::from);
    let mut files: Vec<PathBuf> =
        fs::read_dir(data.join("fixtures"))?.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    for file in &files {
        from_car(file)?;
    }
    from_requests(&fs::read_to_string(data.join("gateway.jsonl"))?)?;
    written_here()
}

fn put(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder)?;
    if bytes.len() > LONGEST { Ok(()) } else { fs::write(folder.join(name), bytes) }
}

/// A whole file, and its blocks.
fn from_car(path: &Path) -> Result<(), Box<dyn Error>> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = fs::read(path)?;
    put("car", &name, &[&[0], &bytes[..]].concat())?;
    let mut reader = BlockReader::new(&bytes[..])?;
    let mut number = 0;
    while let Some(block) = reader.next_block()? {
        let target = match block.cid.codec() {
            DAG_PB => "dagpb",
            DAG_CBOR | DAG_JSON | 0x51 | 0x0200 => "data",
            _ => continue,
        };
        // Of a folder of hundreds of files a few are enough.
        if number < 8 {
            put(target, &format!("{name}-{number}"), &block.bytes)?;
        }
        number += 1;
    }
    Ok(())
}

/// Addresses and ranges of requests, one a line of JSON.
fn from_requests(lines: &str) -> Result<(), Box<dyn Error>> {
    for (number, line) in lines.lines().enumerate() {
        let request: serde_json::Value = serde_json::from_str(line)?;
        let path = request["path"].as_str().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if number % 4 == 0 {
            put("address", &format!("path-{number:03}"), path.trim_start_matches("/ipfs/").as_bytes())?;
        }
        for part in query.split('&').filter_map(|part| part.strip_prefix("entity-bytes=")) {
            put("address", &format!("entity-bytes-{number:03}"), &sized(1026, part))?;
        }
        if let Some(range) = request["headers"]["Range"].as_str().or(request["headers"]["range"].as_str()) {
            put("range", &format!("request-{number:03}"), &sized(31, range))?;
        }
    }
    Ok(())
}

fn sized(size_bytes: u64, text: &str) -> Vec<u8> {
    [&size_bytes.to_be_bytes()[..], text.as_bytes()].concat()
}

fn written_here() -> Result<(), Box<dyn Error>> {
    let ranges = [
        (31, "bytes=0-"),
        (31, "bytes=-3"),
        (31, "bytes=0-1,5-6, 9-"),
        (31, "bytes=6-16,0-4"),
        (u64::MAX, "bytes=1-99999999999999999999"),
        (0, "bytes=-0"),
        (31, "items=0-1"),
    ];
    for (number, (size, header)) in ranges.iter().enumerate() {
        put("range", &format!("written-{number}"), &sized(*size, header))?;
    }
    let addresses = [
        "QmYhmPjhFjYFyaoiuNzYv8WGavpSRDwdHWe5B4M5du5Rtk/a/b.mp4",
        "bafkqaaa/%C4%85/x%2Fy/",
        "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA",
        "f01551220ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad//a",
    ];
    for (number, address) in addresses.iter().enumerate() {
        put("address", &format!("written-{number}"), address.as_bytes())?;
    }
    // See harnesses for what each byte says: leaves, a file over them, a folder over both, shared and deep trees.
    let dags: [&[u8]; 6] = [
        b"ab\x00\x05hello\x00\x05world\x01\x00\x02\x02\x03\x04\x02ab\x02\x05",
        b"ab\x00\x01x\x01\x00\x01\x02\x01\x00\x01\x02\x01\x00\x01\x02\x01\x00\x01\x02",
        b"ab\x00\x01x\x01\x00\x08\x02\x02\x02\x02\x02\x02\x02\x02\x01\x00\x08\x02\x02\x02\x02\x02\x02\x02\x02",
        b"ab\x00\x04data\x01\x23\x03own\x02\x02\x02\x05\x05",
        b"ab\x06\x0a\xa1\x62ab\xd8\x2a\x58\x03\x00\x01\x55",
        b"ab\x07\x0d{\"ab\":[1,{}]}",
    ];
    for (number, dag) in dags.iter().enumerate() {
        put("unixfs", &format!("written-{number}"), dag)?;
    }
    let shards: [&[u8]; 5] = [
        b"\x00\x00\x00\x04\xc8abc\xc9def\xc8ghi\xc9jkl",
        b"\x00\x00\x01\x03\xc8abc\xc9def\x00\x00\x00\x02\x00\x00\xc9jkl",
        b"\x00\x01\x01\x03\xc8abc\xc9def\x00\x01\x00\x02\x00\x00\xc9jkl",
        b"\x00\x04\x02\x02\xc8abc\x00\x04\x01\x02\x00\x00\xc8xyz\x00\x04\x00\x02\x00\x00",
        b"\x02\x00\x00\x02\xc8abc\x20\xc9def\x30",
    ];
    for (number, shard) in shards.iter().enumerate() {
        put("hamt", &format!("written-{number}"), shard)?;
    }
    let made: [&[u8]; 3] = [
        b"\x01\x04\x00\x05hello\x01\x00\x02\x03abc\x02",
        b"\x02\x04\x00\x05hello\x01\x00\x02\x03abc\x02\x20",
        b"\x03\x04\x00\x05hello\x01\x00\x02\x03abc\x02\x20",
    ];
    for (number, file) in made.iter().enumerate() {
        put("car", &format!("written-{number}"), file)?;
    }
    Ok(())
}
