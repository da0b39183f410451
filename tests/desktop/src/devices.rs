//! Choosing devices in the settings, as a person does.

use crate::window::{SOON, Window};
use anyhow::Result;

/// What the list of cameras calls the picture that needs no camera.
pub const TEST_PICTURE: &str = "Test picture";

/// Opens the settings, chooses what is named, and closes them.
pub async fn choose(window: &Window, choices: &[(&str, &str)]) -> Result<()> {
    window.press("open-settings").await?;
    window.appears("settings", SOON).await?;
    for (select, label) in choices {
        window.choose(select, label).await?;
    }
    window.press("close-settings").await?;
    window.disappears("settings", SOON).await
}

/// Chooses the test picture as the camera.
pub async fn choose_test_picture(window: &Window) -> Result<()> {
    choose(window, &[("device-camera", TEST_PICTURE)]).await
}
