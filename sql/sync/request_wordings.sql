-- One row per sentence that goes into the thread of a request, and language.
-- Grain: name, language
-- Refresh: full
-- After: ops.turns
-- {what} is the file that is meant, {asked_for} the partner's own words, {version}, {channel}, {lines}, {answer_by},
-- {regions}, {region}, {territory}, {failures} and {channels} what their names say: all of it the partner's own. A language
-- that is not here is spoken to in English.
with wordings as (
    select *
    from (
        values
        (
            'accepted:one',
            'Thank you for your request. We take it up: {what}.',
            'Danke für Ihre Anfrage. Wir nehmen sie auf: {what}.',
            'Gracias por su solicitud. La atendemos: {what}.'
        ),
        (
            'accepted:several',
            'Thank you for your request. We are looking for what you asked for.',
            'Danke für Ihre Anfrage. Wir suchen, worum Sie gebeten haben.',
            'Gracias por su solicitud. Estamos buscando lo que pidió.'
        ),
        (
            'in_progress:answered:one',
            'Thank you for your answer. We go on with {what}.',
            'Danke für Ihre Antwort. Wir machen mit {what} weiter.',
            'Gracias por su respuesta. Seguimos con {what}.'
        ),
        (
            'in_progress:answered:several',
            'Thank you for your answer. We go on.',
            'Danke für Ihre Antwort. Wir machen weiter.',
            'Gracias por su respuesta. Seguimos adelante.'
        ),
        (
            'in_progress:one',
            'We are sending you version {version} of {what}.',
            'Wir senden Ihnen Version {version} von {what}.',
            'Le enviamos la versión {version} de {what}.'
        ),
        (
            'in_progress:several',
            'Several files may be the one that you mean. We come back to you with a list.',
            'Mehrere Dateien kommen in Frage. Wir melden uns mit einer Liste.',
            'Varios archivos pueden ser el que busca. Le enviaremos una lista.'
        ),
        (
            'waiting_partner',
            'Which of these do you mean by {asked_for}?{lines}Please answer here with its number in this list, or with its id, by {answer_by}.',
            'Welche von diesen meinen Sie mit {asked_for}?{lines}Bitte antworten Sie hier mit der Nummer in dieser Liste oder mit der Kennung, bis {answer_by}.',
            '¿A cuál de estos se refiere con {asked_for}?{lines}Responda aquí con su número en esta lista, o con su identificador, antes del {answer_by}.'
        ),
        (
            'delivered',
            'Version {version} of {what} was delivered to you ({channel}).',
            'Version {version} von {what} wurde Ihnen zugestellt ({channel}).',
            'Se le ha entregado la versión {version} de {what} ({channel}).'
        ),
        (
            'delivered:restricted',
            'It may not be used in {regions}.',
            'Nicht zu verwenden in: {regions}.',
            'No debe usarse en: {regions}.'
        ),
        (
            'delivered:confirm',
            'Please confirm that it is what you need, or reopen this request and say what is missing.',
            'Bitte bestätigen Sie, dass es die richtige ist, oder nehmen Sie diese Anfrage wieder auf und schreiben Sie, was fehlt.',
            'Confirme que es lo que necesita, o reabra esta solicitud y explique qué falta.'
        ),
        (
            'closed',
            'Thank you for confirming. This request is closed.',
            'Danke für die Bestätigung. Diese Anfrage ist abgeschlossen.',
            'Gracias por confirmarlo. Esta solicitud queda cerrada.'
        ),
        (
            'denied:unknown_asset',
            'We found nothing that fits {asked_for}. Please reopen this request and name the file by its id or by the product''s number (SKU).',
            'Wir haben nichts gefunden, was zu {asked_for} passt. Bitte nehmen Sie diese Anfrage wieder auf und nennen Sie die Kennung der Datei oder die Artikelnummer (SKU).',
            'No hemos encontrado nada que corresponda a {asked_for}. Reabra esta solicitud e indique el identificador del archivo o el número de artículo (SKU).'
        ),
        (
            'denied:not_entitled',
            'Your access rights do not cover {asked_for}. Please ask your partner manager for them, and reopen this request when you have them.',
            'Ihre Zugriffsrechte decken {asked_for} nicht ab. Bitte fragen Sie Ihren Partnerbetreuer danach und nehmen Sie diese Anfrage wieder auf, sobald Sie sie haben.',
            'Sus derechos de acceso no cubren {asked_for}. Solicítelos a su gestor y reabra esta solicitud cuando los tenga.'
        ),
        (
            'denied:outside_territory',
            'Your access rights are for {region}, and you asked for {territory}. Please ask your partner manager, or reopen this request for your own territory.',
            'Ihre Zugriffsrechte gelten für {region}, und Sie haben für {territory} gefragt. Bitte fragen Sie Ihren Partnerbetreuer, oder nehmen Sie diese Anfrage für Ihr eigenes Gebiet wieder auf.',
            'Sus derechos de acceso son para {region} y usted pidió para {territory}. Consulte a su gestor o reabra esta solicitud para su propio territorio.'
        ),
        (
            'denied:barred_region',
            '{asked_for} may not be used in {territory}. Please ask your partner manager what may be used there instead.',
            '{asked_for} darf in {territory} nicht verwendet werden. Bitte fragen Sie Ihren Partnerbetreuer, was dort stattdessen verwendet werden darf.',
            '{asked_for} no puede usarse en {territory}. Pregunte a su gestor qué puede usarse allí en su lugar.'
        ),
        (
            'denied:no_approved_version',
            'There is no approved version of {asked_for} in force at present. You will be told when there is one; please reopen this request then.',
            'Von {asked_for} gilt zurzeit keine freigegebene Version. Sie erfahren es, sobald es eine gibt; bitte nehmen Sie diese Anfrage dann wieder auf.',
            'En este momento no hay ninguna versión aprobada de {asked_for} en vigor. Le avisaremos cuando la haya; reabra entonces esta solicitud.'
        ),
        (
            'denied:ambiguous_query',
            'We could not tell which file you mean by {asked_for}. Please reopen this request and name the file by its id or by the product''s number (SKU).',
            'Wir konnten nicht erkennen, welche Datei Sie mit {asked_for} meinen. Bitte nehmen Sie diese Anfrage wieder auf und nennen Sie die Kennung der Datei oder die Artikelnummer (SKU).',
            'No hemos podido saber a qué archivo se refiere con {asked_for}. Reabra esta solicitud e indique el identificador del archivo o el número de artículo (SKU).'
        ),
        (
            'denied:delivery_failed',
            '{failures} deliveries of {what} did not reach you ({channels}). Please check that you can receive files there, and reopen this request.',
            '{failures} Zustellungen von {what} haben Sie nicht erreicht ({channels}). Bitte prüfen Sie, ob Sie dort Dateien empfangen können, und nehmen Sie diese Anfrage wieder auf.',
            '{failures} entregas de {what} no le han llegado ({channels}). Compruebe que puede recibir archivos por esa vía y reabra esta solicitud.'
        ),
        ('what_you_asked_for', 'what you asked for', '„Ihre Anfrage“', '«su solicitud»'),
        ('date', '{day} {month} {year}, {time}', '{day}. {month} {year}, {time}', '{day} de {month} de {year}, {time}'),
        (
            'months',
            'January February March April May June July August September October November December',
            'Januar Februar März April Mai Juni Juli August September Oktober November Dezember',
            'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'
        ),
        ('channel:portal', 'portal', 'Portal', 'portal'),
        ('channel:email_link', 'email link', 'Link per E-Mail', 'enlace por correo'),
        ('channel:sftp', 'SFTP', 'SFTP', 'SFTP'),
        ('channel:as2', 'AS2', 'AS2', 'AS2'),
        ('channel:api', 'API', 'API', 'API')
    ) as said (name, en, de, es)
),

spoken as (
    select name, 'en' as language, en as wording from wordings
    union all
    select name, 'de' as language, de as wording from wordings
    union all
    select name, 'es' as language, es as wording from wordings
)

select * from spoken
