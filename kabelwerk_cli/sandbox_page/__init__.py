"""A page to look at the sandbox in a browser: requests, rooms, chats, users. It changes nothing.

`app` serves it beside the API, `view` reads what it shows, by the `queries` of each view. The page
itself is `index.html`, `page.css` and `page.js`, without a build step.
"""
