//! The boxes of mp4: a size, a kind of four letters, then what is inside.

/// Start and end of the first box of a kind among the boxes from `at` to `end`.
pub fn find(bytes: &[u8], mut at: usize, end: usize, kind: &[u8; 4]) -> Option<(usize, usize)> {
    while at < end {
        let head = bytes.get(at..at + 8)?;
        let size = u32::from_be_bytes(head[..4].try_into().ok()?) as usize;
        let next = at.checked_add(size).filter(|next| size >= 8 && *next <= end)?;
        if &head[4..] == kind {
            return Some((at, next));
        }
        at = next;
    }
    None
}

pub fn framed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut framed = ((body.len() + 8) as u32).to_be_bytes().to_vec();
    framed.extend_from_slice(kind);
    framed.extend_from_slice(body);
    framed
}
