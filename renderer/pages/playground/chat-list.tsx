/** The list of conversations that this browser keeps, to open or to forget. */
import { useState } from 'react';
import { go } from '../../route.ts';
import * as texts from '../../texts.ts';
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
        {texts.chats.title}
      </Button>
      <Overlay onClose={() => setOpen(false)} open={isOpen} place="right" title={texts.chats.title}>
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
      <Empty action={<Button onClick={close}>{texts.chats.begin}</Button>} icon="playground" title={texts.chats.none}>
        {texts.chats.keptHere}
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
            <IconButton icon="trash" label={texts.chats.forget(chat.title)} onClick={() => forget([chat])} small />
          </li>
        ))}
      </ul>
      <p className={styles.foot}>
        {texts.chats.keptHereAlone}
        <Button variant="quiet" onClick={() => setAsking(true)} small>
          {texts.chats.forgetAll}
        </Button>
      </p>
      <Question
        onClose={() => setAsking(false)}
        onYes={() => forget(chats)}
        open={isAsking}
        title={texts.chats.forgetQuestion(chats.length)}
        yes={texts.common.forget}
      >
        {texts.chats.keptNowhereElse}
      </Question>
    </>
  );
}
