/** The list of conversations that this browser keeps, to open or to forget. */
import { useState } from 'react';
import { go } from '../../route.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Overlay, Question } from '../../ui/overlays.tsx';
import { Empty } from '../../ui/panel.tsx';
import styles from './chat-list.module.css';
import { openChat, startAnew, usePlayground } from './conversation.ts';
import { dropAllChats, dropChat, type KeptChat, keptChats } from './kept-chats.ts';

export function ChatList() {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button icon="clock" onClick={() => setOpen(true)}>
        Chats
      </Button>
      <Overlay onClose={() => setOpen(false)} open={isOpen} place="right" title="Chats">
        <List close={() => setOpen(false)} />
      </Overlay>
    </>
  );
}

function List({ close }: { readonly close: () => void }) {
  const [chats, setChats] = useState(keptChats);
  const [isAsking, setAsking] = useState(false);
  const forget = (gone: readonly KeptChat[]): void => {
    const { current } = usePlayground.getState();
    for (const { id, modelId } of gone) if (current[modelId] === id) startAnew(modelId);
    if (gone.length === chats.length) dropAllChats();
    else for (const { id } of gone) dropChat(id);
    setChats(keptChats());
  };
  if (chats.length === 0) {
    return (
      <Empty action={<Button onClick={close}>Begin one</Button>} icon="playground" title="No conversation yet">
        What you ask is kept only in this browser, and is still there after a reload.
      </Empty>
    );
  }
  return (
    <>
      <ul className={styles.list}>
        {chats.map((chat) => (
          <li className={styles.row} key={chat.id}>
            <button
              className={styles.open}
              onClick={() => {
                openChat(chat);
                close();
                go('playground', chat.modelId);
              }}
              type="button"
            >
              <span className={styles.title}>{chat.title}</span>
              <span className={styles.facts}>
                {chat.modelId} · {new Date(chat.atMs).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short', hour12: false })}
              </span>
            </button>
            <IconButton icon="trash" label={`Forget "${chat.title}"`} onClick={() => forget([chat])} small />
          </li>
        ))}
      </ul>
      <p className={styles.foot}>
        Kept in this browser alone; the oldest go first, images before words.
        <Button variant="quiet" onClick={() => setAsking(true)} small>
          Forget all
        </Button>
      </p>
      <Question
        onClose={() => setAsking(false)}
        onYes={() => forget(chats)}
        open={isAsking}
        title={`Forget ${chats.length === 1 ? 'this conversation' : `all ${chats.length} conversations`}?`}
        yes="Forget"
      >
        They are kept nowhere else.
      </Question>
    </>
  );
}
