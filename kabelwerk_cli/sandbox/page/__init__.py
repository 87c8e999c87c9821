"""A page to look at the sandbox in a browser: rooms, chats and users. It cannot change anything.

`app` serves it, and `view` reads what it shows. The page itself is `index.html`, `page.css` and
`page.js`, without a build step.
"""
