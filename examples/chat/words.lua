--- The words of the game.
return {
  "river", "bridge", "stone", "harbour", "lantern", "meadow", "winter", "copper", "thread", "basket", "feather",
  "garden", "mirror", "pepper", "saddle", "timber", "velvet", "window", "anchor", "button", "candle", "desert",
  "forest", "hammer", "island", "jacket", "kettle", "ladder", "marble", "needle", "orchard", "pillow", "rocket",
  "shadow", "tunnel", "valley", "whistle",
}
