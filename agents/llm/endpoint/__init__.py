"""Models behind endpoints of the chat-completions shape: how they are asked, asked again, and paid for."""
