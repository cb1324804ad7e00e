//! The page compiled into the app: what is served where no bundle, or no file of it, is there.

use std::borrow::Cow;
use std::collections::HashMap;

use tauri::utils::assets::{AssetKey, AssetsIter, CspHash};
use tauri::{Assets, Runtime};

/// Path (`/index.html` or `index.html`) to text.
pub struct Embedded(pub HashMap<String, String>);

impl<R: Runtime> Assets<R> for Embedded {
    fn get(&self, key: &AssetKey) -> Option<Cow<'_, [u8]>> {
        self.0
            .iter()
            .find(|(path, _)| AssetKey::from(path.as_str()).as_ref() == key.as_ref())
            .map(|(_, text)| Cow::Borrowed(text.as_bytes()))
    }

    fn iter(&self) -> Box<AssetsIter<'_>> {
        Box::new(
            self.0
                .iter()
                .map(|(path, text)| (Cow::Borrowed(path.as_str()), Cow::Borrowed(text.as_bytes()))),
        )
    }

    fn csp_hashes(&self, _html_path: &AssetKey) -> Box<dyn Iterator<Item = CspHash<'_>> + '_> {
        Box::new(std::iter::empty())
    }
}
