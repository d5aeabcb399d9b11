"""The five cards of the page: album, phones, net drives, copies, upgrades; each says what is, and one next step."""
