//! What is known of a packet beside its bytes, read as numbers.
#![allow(unsafe_code)]

use ffmpeg_next::packet::{Mut, Ref};
use ffmpeg_next::{Packet, ffi};

use super::Error;

/// Whether players must decode it and not show it: an edit list begins behind it.
pub fn is_hidden(packet: &Packet) -> bool {
    // SAFETY: the packet is valid; only a plain integer is read.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISCARD != 0 }
}

/// Whether it brings a new header for its decoder along.
pub fn has_new_header(packet: &Packet) -> bool {
    has(packet, ffi::AVPacketSideDataType::AV_PKT_DATA_NEW_EXTRADATA)
        || has(packet, ffi::AVPacketSideDataType::AV_PKT_DATA_PARAM_CHANGE)
}

pub fn is_encrypted(packet: &Packet) -> bool {
    has(packet, ffi::AVPacketSideDataType::AV_PKT_DATA_ENCRYPTION_INFO)
}

fn has(packet: &Packet, kind: ffi::AVPacketSideDataType) -> bool {
    let mut size = 0;
    // SAFETY: the packet is valid while it is borrowed; nothing is read through the result.
    unsafe { !ffi::av_packet_get_side_data(packet.as_ptr(), kind, &mut size).is_null() }
}

/// A packet of these bytes and nothing else.
pub fn of(bytes: &[u8], is_key: bool) -> Result<Packet, Error> {
    made(bytes.len(), is_key, |to| to.copy_from_slice(bytes))
}

/// A packet of so many bytes and nothing else, which `write` writes.
pub fn made(length: usize, is_key: bool, write: impl FnOnce(&mut [u8])) -> Result<Packet, Error> {
    let size = i32::try_from(length).map_err(|_| Error::InvalidData)?;
    let mut packet = Packet::empty();
    // SAFETY: a blank packet gets a buffer of just this size, whose allocation is checked. It is cleared before it is a
    // slice, for nobody else says that `write` writes all of it.
    unsafe {
        let code = ffi::av_new_packet(packet.as_mut_ptr(), size);
        if code < 0 {
            return Err(Error::from(code));
        }
        let raw = packet.as_mut_ptr();
        std::ptr::write_bytes((*raw).data, 0, length);
        write(std::slice::from_raw_parts_mut((*raw).data, length));
        (*raw).flags = if is_key { ffi::AV_PKT_FLAG_KEY } else { 0 };
    }
    Ok(packet)
}
