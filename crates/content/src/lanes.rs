//! SHA-256 of several messages side by side, on one core.
//!
//! Each round of SHA-256 needs the one before, so a core's SHA unit waits most of the time for itself. Rounds of other
//! messages fit in between: four at once take half the time that they take one after the other, and fetch their bytes
//! from memory meanwhile. On x86-64 with the SHA extensions; elsewhere they go one after the other.

use sha2::{Digest as _, Sha256};

use crate::address::{Digest, sha256};

/// How many messages go side by side: with more, their states no longer fit into the registers.
pub(crate) const LANES: usize = 4;

/// The digests of messages, in order. Those that follow each other and have the same length go side by side.
pub(crate) fn sha256_each(mut messages: &[&[u8]]) -> Vec<Digest> {
    let mut digests = Vec::with_capacity(messages.len());
    while let Some(first) = messages.first() {
        let alike = messages.iter().take(LANES).take_while(|message| message.len() == first.len()).count();
        let (now, later) = messages.split_at(alike);
        match *now {
            [a, b, c, d] => digests.extend(side_by_side([a, b, c, d])),
            [a, b, c] => digests.extend(side_by_side([a, b, c])),
            [a, b] => digests.extend(side_by_side([a, b])),
            _ => digests.extend(now.iter().map(|message| sha256(message))),
        }
        messages = later;
    }
    digests
}

/// The digests of messages of the same length.
fn side_by_side<const N: usize>(messages: [&[u8]; N]) -> [Digest; N] {
    Lanes::new().finish(messages)
}

/// Messages of the same length that are hashed side by side, part by part.
pub(crate) enum Lanes<const N: usize> {
    #[cfg(target_arch = "x86_64")]
    Together(x86::Together<N>),
    Apart([Sha256; N]),
}

impl<const N: usize> Lanes<N> {
    /// What [`Lanes::update`] takes is a multiple of this.
    pub(crate) const BLOCK_BYTES: usize = 64;

    pub(crate) fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(together) = x86::Together::new() {
            return Self::Together(together);
        }
        Self::Apart(std::array::from_fn(|_| Sha256::new()))
    }

    /// Takes the next part of each message, whole blocks.
    pub(crate) fn update(&mut self, parts: [&[u8]; N]) {
        let length = parts.first().map_or(0, |part| part.len());
        assert!(length.is_multiple_of(Self::BLOCK_BYTES) && parts.iter().all(|part| part.len() == length));
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Together(together) => together.update(parts, length),
            Self::Apart(hashers) => hashers.iter_mut().zip(parts).for_each(|(hasher, part)| hasher.update(part)),
        }
    }

    /// The digests, once each message's last part has been taken.
    pub(crate) fn finish(mut self, parts: [&[u8]; N]) -> [Digest; N] {
        let length = parts.first().map_or(0, |part| part.len());
        let whole = length / Self::BLOCK_BYTES * Self::BLOCK_BYTES;
        assert!(parts.iter().all(|part| part.len() == length));
        self.update(parts.map(|part| &part[..whole]));
        let ends = parts.map(|part| &part[whole..]);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Together(together) => together.finish(ends),
            Self::Apart(hashers) => {
                let mut hashers = hashers.into_iter().zip(ends);
                std::array::from_fn(|_| {
                    hashers.next().map_or([0; 32], |(hasher, end)| hasher.chain_update(end).finalize().into())
                })
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(unsafe_code)]

    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_loadu_si128, _mm_set_epi32, _mm_set_epi64x, _mm_setzero_si128,
        _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
        _mm_storeu_si128,
    };

    use crate::address::Digest;

    const BLOCK_BYTES: usize = 64;
    /// The end of a message: what is left of it, a one, zeros, and its length in bits in the last eight bytes.
    const TAIL_BYTES: usize = 2 * BLOCK_BYTES;
    const LENGTH_BYTES: usize = 8;
    const BEGIN: [u32; 8] =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    #[rustfmt::skip]
    const ROUNDS: [u32; 64] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ];

    /// A message's state, as the processor wants it: the words A, B, E and F, then C, D, G and H.
    type State = [__m128i; 2];

    /// Messages that one SHA unit takes in turn. It exists only where the processor has what is needed.
    pub(crate) struct Together<const N: usize> {
        states: [State; N],
        /// Of each message so far.
        bytes: u64,
    }

    impl<const N: usize> Together<N> {
        pub(super) fn new() -> Option<Self> {
            let is_there = is_x86_feature_detected!("sha")
                && is_x86_feature_detected!("ssse3")
                && is_x86_feature_detected!("sse4.1")
                && is_x86_feature_detected!("avx");
            // SAFETY: every such processor has SSE2.
            is_there.then(|| Self { states: [unsafe { begin() }; N], bytes: 0 })
        }

        /// The next `length` bytes of each message, whole blocks.
        pub(super) fn update(&mut self, parts: [&[u8]; N], length: usize) {
            self.bytes += length as u64;
            // SAFETY: the processor has the instructions, or we weren't here; each part has so many whole blocks.
            unsafe { compress(&mut self.states, parts.map(<[u8]>::as_ptr), length / BLOCK_BYTES) };
        }

        /// The digests; of each message less than a block is left, of all the same.
        pub(super) fn finish(mut self, ends: [&[u8]; N]) -> [Digest; N] {
            let left = ends.first().map_or(0, |end| end.len());
            let bytes = self.bytes + left as u64;
            let tails = ends.map(|end| tail(end, bytes));
            let blocks = if left < BLOCK_BYTES - LENGTH_BYTES { 1 } else { 2 };
            let from = TAIL_BYTES - blocks * BLOCK_BYTES;
            // SAFETY: as above.
            unsafe {
                compress(&mut self.states, tails.each_ref().map(|tail| tail[from..].as_ptr()), blocks);
                self.states.map(|state| digest(state))
            }
        }
    }

    /// The last block or two of a message of so many bytes; a lone one is the second half.
    fn tail(end: &[u8], bytes: u64) -> [u8; TAIL_BYTES] {
        let mut tail = [0; TAIL_BYTES];
        let from = if end.len() < BLOCK_BYTES - LENGTH_BYTES { BLOCK_BYTES } else { 0 };
        tail[from..from + end.len()].copy_from_slice(end);
        tail[from + end.len()] = 0x80;
        tail[TAIL_BYTES - LENGTH_BYTES..].copy_from_slice(&(bytes * 8).to_be_bytes());
        tail
    }

    #[target_feature(enable = "sse2")]
    fn begin() -> State {
        let [a, b, c, d, e, f, g, h] = BEGIN.map(u32::cast_signed);
        [_mm_set_epi32(a, b, e, f), _mm_set_epi32(c, d, g, h)]
    }

    #[target_feature(enable = "sse2")]
    fn digest([abef, cdgh]: State) -> Digest {
        let (mut feba, mut hgdc) = ([0_u32; 4], [0_u32; 4]);
        // SAFETY: both have room for 16 bytes.
        unsafe {
            _mm_storeu_si128(feba.as_mut_ptr().cast(), abef);
            _mm_storeu_si128(hgdc.as_mut_ptr().cast(), cdgh);
        }
        let ([f, e, b, a], [h, g, d, c]) = (feba, hgdc);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip([a, b, c, d, e, f, g, h]) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }

    /// Takes so many blocks of each message into its state.
    ///
    /// # Safety
    /// Each pointer leads to so many blocks.
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1,avx")]
    unsafe fn compress<const N: usize>(states: &mut [State; N], messages: [*const u8; N], blocks: usize) {
        let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        let mut state = *states;
        for block in 0..blocks {
            let before = state;
            let mut words = [[_mm_setzero_si128(); 4]; N];
            // Sixteen times four rounds, of all messages in turn. The first sixteen words are the block's own, each later
            // one follows from the sixteen before it.
            for quad in 0..16 {
                for lane in 0..N {
                    let words = &mut words[lane];
                    let next = if quad < 4 {
                        // SAFETY: it is within the block.
                        let read =
                            unsafe { _mm_loadu_si128(messages[lane].add(block * BLOCK_BYTES + quad * 16).cast()) };
                        _mm_shuffle_epi8(read, big_endian)
                    } else {
                        let at = |back: usize| words[(quad - back) % 4];
                        let sum = _mm_add_epi32(_mm_sha256msg1_epu32(at(4), at(3)), _mm_alignr_epi8::<4>(at(1), at(2)));
                        _mm_sha256msg2_epu32(sum, at(1))
                    };
                    words[quad % 4] = next;
                    // SAFETY: there are four more constants for each quad.
                    let constants = unsafe { _mm_loadu_si128(ROUNDS.as_ptr().add(quad * 4).cast()) };
                    let sum = _mm_add_epi32(next, constants);
                    let [abef, cdgh] = &mut state[lane];
                    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sum);
                    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32::<0x0e>(sum));
                }
            }
            for (now, before) in state.iter_mut().flatten().zip(before.iter().flatten()) {
                *now = _mm_add_epi32(*now, *before);
            }
        }
        *states = state;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_length_has_its_own_digest() {
        let bytes: Vec<u8> = (0..1000_u32).map(|number| (number * 7 % 251) as u8).collect();
        for length in (0..=260).chain([999]) {
            let messages: Vec<&[u8]> =
                (0..LANES).map(|lane| &bytes[lane..][..length.min(bytes.len() - lane)]).collect();
            let expected: Vec<Digest> = messages.iter().map(|message| sha256(message)).collect();
            for count in 0..=LANES {
                assert_eq!(sha256_each(&messages[..count]), expected[..count], "{count} of {length} bytes");
            }
        }
    }

    #[test]
    fn parts_make_the_same_digests() {
        let bytes: Vec<u8> = (0..4000_u32).map(|number| (number * 7 % 251) as u8).collect();
        let [first, second]: [&[u8]; 2] = [&bytes[..1500], &bytes[2000..3500]];
        for mut lanes in [Lanes::new(), Lanes::Apart([Sha256::new(), Sha256::new()])] {
            lanes.update([&first[..64], &second[..64]]);
            lanes.update([&first[64..64 + 1024], &second[64..64 + 1024]]);
            let digests = lanes.finish([&first[1088..], &second[1088..]]);
            assert_eq!(digests, [sha256(first), sha256(second)]);
        }
    }

    proptest! {
        #[test]
        fn digests_are_those_of_one_after_the_other(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20),
            length in 0_usize..200,
        ) {
            // Some of the same length beside each other, some not.
            let messages: Vec<&[u8]> = messages.iter().map(|message| &message[..length.min(message.len())]).collect();
            let expected: Vec<Digest> = messages.iter().map(|message| sha256(message)).collect();
            prop_assert_eq!(sha256_each(&messages), expected);
        }
    }
}
