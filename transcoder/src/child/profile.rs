//! Colours that a still picture's file tells of, made those of the web.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};

use crate::av::frame::Picture;

/// Numbers of primaries that are wider than the web's, as in H.273.
const BT2020: i32 = 9;
const DISPLAY_P3: i32 = 12;

/// A way from a picture's own red, green and blue to sRGB.
pub struct Profile(Arc<Transform8BitExecutor>);

impl Profile {
    /// From an ICC profile; `None` for one that isn't about red, green and blue, or can't be followed.
    pub fn of_icc(icc: &[u8]) -> Option<Self> {
        Self::of(&ColorProfile::new_from_slice(icc).ok()?)
    }

    /// From what a picture's bitstream says of its primaries; `None` where they are as good as sRGB's.
    pub fn of_primaries(primaries: i32) -> Option<Self> {
        match primaries {
            BT2020 => Self::of(&ColorProfile::new_bt2020()),
            DISPLAY_P3 => Self::of(&ColorProfile::new_display_p3()),
            _ => None,
        }
    }

    fn of(profile: &ColorProfile) -> Option<Self> {
        let is_rgb = profile.color_space == DataColorSpace::Rgb;
        let srgb = ColorProfile::new_srgb();
        let way = is_rgb
            .then(|| profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default()).ok());
        way.flatten().map(Self)
    }

    /// Converts a picture of planar red, green and blue, 8 bits each.
    pub fn convert(&self, picture: &mut Picture) -> Option<()> {
        let mut converted = Vec::new();
        picture.map_rgb(|row| {
            converted.resize(row.len(), 0);
            // A row is whole pixels, and both are as long.
            if self.0.transform(row, &mut converted).is_ok() {
                row.copy_from_slice(&converted);
            }
        })
    }
}
