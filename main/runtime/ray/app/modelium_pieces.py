"""Turns tokens into pieces of text as soon as characters are complete. The streamer of transformers would wait for whole words."""


class Pieces:
    """What `generate` calls a streamer. A character of which a part is still to come waits for the rest."""

    def __init__(self, tokenizer, tell):
        self.tokenizer, self.tell = tokenizer, tell
        self.ids, self.begun, self.told, self.is_prompt = [], 0, 0, True

    def decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True)

    def put(self, value):
        # What comes first is what the answer goes on from.
        if self.is_prompt:
            self.is_prompt = False
            return
        self.ids += value.flatten().tolist()
        self.piece(False)

    def end(self):
        self.piece(True)

    def piece(self, is_last):
        before, now = self.decode(self.ids[self.begun : self.told]), self.decode(self.ids[self.begun :])
        if len(now) > len(before) and (is_last or not now.endswith("\ufffd")):
            self.tell(now[len(before) :])
            self.begun, self.told = self.told, len(self.ids)
