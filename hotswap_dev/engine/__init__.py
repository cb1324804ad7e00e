"""The only writer: it turns settled trees and commands into facts, answers checks, and tells everyone (design §5)."""
