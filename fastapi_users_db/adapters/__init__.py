"""The adapters: one interface (`base`) and its two implementations (`orm`, `databases`)."""
