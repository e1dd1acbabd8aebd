//! Moving pictures in WebP, of which ffmpeg's decoder knows nothing: the first one by itself, as a file that it reads. Pure.

/// A chunk's name and size.
const HEAD_BYTES: usize = 8;
/// A frame's place, size, duration and flags, before its own chunks.
const FRAME_BYTES: usize = 16;
const MOVING: u8 = 0x02;
const ALPHA: u8 = 0x10;

/// The file of the first picture; `None` for what is no moving WebP.
pub fn first_picture(file: &[u8]) -> Option<Vec<u8>> {
    let body = file.get(12..).filter(|_| is_moving(file))?;
    let frame = chunks(body).find(|chunk| chunk.name == *b"ANMF")?.data;
    let own = |names: &[&[u8; 4]]| {
        chunks(frame.get(FRAME_BYTES..)?)
            .find(|chunk| names.contains(&&chunk.name))
            .map(|chunk| (chunk.name, chunk.data))
    };
    let (name, picture) = own(&[b"VP8 ", b"VP8L"])?;
    let mut out = b"WEBP".to_vec();
    if let Some((_, alpha)) = own(&[b"ALPH"]) {
        // Its size stands in the frame as it does in this header: less one, in three bytes each.
        let header = [&[ALPHA, 0, 0, 0], frame.get(6..12)?].concat();
        put(&mut out, b"VP8X", &header)?;
        put(&mut out, b"ALPH", alpha)?;
    }
    put(&mut out, &name, picture)?;
    let size = u32::try_from(out.len()).ok()?;
    Some([b"RIFF", &size.to_le_bytes()[..], &out].concat())
}

/// Whether a file's first 21 bytes say that it moves.
pub fn is_moving(start: &[u8]) -> bool {
    let is = |at: usize, name: &[u8; 4]| start.get(at..at + 4) == Some(&name[..]);
    is(0, b"RIFF") && is(8, b"WEBP") && is(12, b"VP8X") && start.get(20).is_some_and(|flags| flags & MOVING != 0)
}

struct Chunk<'b> {
    name: [u8; 4],
    data: &'b [u8],
}

fn chunks(mut rest: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_at_checked(HEAD_BYTES)?;
        let name = head[..4].try_into().ok()?;
        let size = u32::from_le_bytes(head[4..].try_into().ok()?) as usize;
        let data = behind.get(..size)?;
        // Padded to an even size.
        rest = behind.get(size + size % 2..).unwrap_or_default();
        Some(Chunk { name, data })
    })
}

fn put(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) -> Option<()> {
    out.extend_from_slice(name);
    out.extend_from_slice(&u32::try_from(data.len()).ok()?.to_le_bytes());
    out.extend_from_slice(data);
    out.extend((data.len() % 2 == 1).then_some(0));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{first_picture, put};

    fn moving(parts: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut frame = vec![0, 0, 0, 0, 0, 0, 63, 0, 0, 47, 0, 0, 40, 0, 0, 0];
        parts.iter().for_each(|(name, data)| put(&mut frame, name, data).expect("it is small"));
        let mut body = b"WEBP".to_vec();
        for (name, data) in [(b"VP8X", &[2, 0, 0, 0, 63, 0, 0, 47, 0, 0][..]), (b"ANIM", &[0; 6]), (b"ANMF", &frame)] {
            put(&mut body, name, data).expect("it is small");
        }
        [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
    }

    #[test]
    fn the_first_picture_is_a_file() {
        assert_eq!(
            first_picture(&moving(&[(b"VP8L", &[1, 2, 3])])).as_deref(),
            Some(&b"RIFF\x10\0\0\0WEBPVP8L\x03\0\0\0\x01\x02\x03\0"[..])
        );
        let with_alpha = first_picture(&moving(&[(b"ALPH", &[9]), (b"VP8 ", &[1, 2])])).expect("a picture");
        assert_eq!(&with_alpha[12..30], b"VP8X\x0a\0\0\0\x10\0\0\0\x3f\0\0\x2f\0\0");
        assert_eq!(&with_alpha[30..], b"ALPH\x01\0\0\0\x09\0VP8 \x02\0\0\0\x01\x02");
        let whole = moving(&[(b"VP8 ", &[1, 2])]);
        for cut in 0..whole.len() {
            assert_eq!(first_picture(&whole[..cut]), None, "{cut}");
        }
    }
}
