//! Colours that a still picture's file tells of, made those of the web.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};

use crate::av::frame::Picture;

/// Numbers of primaries that are wider than the web's, as in H.273.
const BT2020: i32 = 9;
const DISPLAY_P3: i32 = 12;

/// A way from a picture's own red, green and blue, or from its grey, to sRGB.
pub struct Profile {
    way: Arc<Transform8BitExecutor>,
    is_grey: bool,
}

impl Profile {
    /// From an ICC profile; `None` for one that isn't about the picture's kind of colours, or can't be followed.
    pub fn of_icc(icc: &[u8], is_grey: bool) -> Option<Self> {
        Self::of(&ColorProfile::new_from_slice(icc).ok()?, is_grey)
    }

    /// From what a picture's bitstream says of its primaries; `None` where they are as good as sRGB's.
    pub fn of_primaries(primaries: i32) -> Option<Self> {
        match primaries {
            BT2020 => Self::of(&ColorProfile::new_bt2020(), false),
            DISPLAY_P3 => Self::of(&ColorProfile::new_display_p3(), false),
            _ => None,
        }
    }

    fn of(profile: &ColorProfile, is_grey: bool) -> Option<Self> {
        let (space, layout) =
            if is_grey { (DataColorSpace::Gray, Layout::Gray) } else { (DataColorSpace::Rgb, Layout::Rgb) };
        if profile.color_space != space {
            return None;
        }
        let srgb = ColorProfile::new_srgb();
        let way = profile.create_transform_8bit(layout, &srgb, Layout::Rgb, TransformOptions::default());
        Some(Self { way: way.ok()?, is_grey })
    }

    /// Converts a picture of planar red, green and blue, 8 bits each.
    pub fn convert(&self, picture: &mut Picture) -> Option<()> {
        let (mut converted, mut grey) = (Vec::new(), Vec::new());
        picture.map_rgb(|row| {
            converted.resize(row.len(), 0);
            grey.clear();
            grey.extend(row.iter().step_by(3));
            let own = if self.is_grey { &grey[..] } else { &*row };
            // A row is whole pixels, and both have as many.
            if self.way.transform(own, &mut converted).is_ok() {
                row.copy_from_slice(&converted);
            }
        })
    }
}
