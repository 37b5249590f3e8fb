-- One row per sentence that goes into the thread of an issue, and language.
-- Grain: name, language
-- Refresh: full
-- After: ops.turns
-- {version} and {issue} are replaced by what is the reporter's own: the version that it should have, its earlier issue.
-- A language that is not here is spoken to in English.
with wordings as (
    select *
    from (
        values
        (
            'triaged:review',
            'Thank you for telling us. We know of no newer version that corrects this, so the owners of the file are asked to examine it.',
            'Danke für den Hinweis. Wir kennen keine neuere Version, die das behebt; die Verantwortlichen der Datei prüfen es.',
            'Gracias por avisarnos. No conocemos ninguna versión más reciente que lo corrija; los responsables del archivo lo examinarán.'
        ),
        (
            'triaged:again',
            'Thank you for coming back to us. The answer so far did not help, so the owners of the file are asked to examine it.',
            'Danke, dass Sie sich noch einmal melden. Die bisherige Antwort hat nicht geholfen; die Verantwortlichen der Datei prüfen es.',
            'Gracias por volver a escribirnos. La respuesta anterior no ayudó; los responsables del archivo lo examinarán.'
        ),
        (
            'triaged:newer_version',
            'Thank you for telling us. We have found the cause: version {version} is the one that you should have.',
            'Danke für den Hinweis. Wir haben die Ursache gefunden: Sie sollten Version {version} haben.',
            'Gracias por avisarnos. Hemos encontrado la causa: la versión que debería tener es la {version}.'
        ),
        (
            'triaged:delivery',
            'Thank you for telling us. We have found the file for you: version {version}.',
            'Danke für den Hinweis. Wir haben die Datei für Sie gefunden: Version {version}.',
            'Gracias por avisarnos. Hemos encontrado el archivo para usted: la versión {version}.'
        ),
        (
            'triaged:removal',
            'Thank you for telling us. You are right: this version is not meant for your territory.',
            'Danke für den Hinweis. Sie haben recht: Diese Version ist nicht für Ihr Gebiet bestimmt.',
            'Gracias por avisarnos. Tiene razón: esta versión no está destinada a su territorio.'
        ),
        (
            'triaged:duplicate',
            'Thank you. You reported the same before, in {issue}.',
            'Danke. Sie haben dasselbe schon in {issue} gemeldet.',
            'Gracias. Ya comunicó lo mismo en {issue}.'
        ),
        (
            'triaged:unsure',
            'Thank you for telling us. We are comparing it with our records, and answer here.',
            'Danke für den Hinweis. Wir vergleichen ihn mit unseren Aufzeichnungen und antworten hier.',
            'Gracias por avisarnos. Lo estamos comparando con nuestros registros y responderemos aquí.'
        ),
        (
            'triaged:unknown_subject',
            'Thank you for telling us. We cannot tell which file this is about: please write its name or number here.',
            'Danke für den Hinweis. Wir können nicht erkennen, um welche Datei es geht: Bitte schreiben Sie ihren Namen oder ihre Nummer hierher.',
            'Gracias por avisarnos. No podemos saber de qué archivo se trata: escriba aquí su nombre o su número, por favor.'
        ),
        (
            'duplicate',
            'We follow this up in {issue}, which you reported before.',
            'Wir verfolgen das in {issue} weiter, das Sie zuvor gemeldet haben.',
            'Le damos seguimiento en {issue}, que comunicó anteriormente.'
        ),
        (
            'in_review',
            'The owners of the file are examining it. We tell you here what comes of it.',
            'Die Verantwortlichen der Datei prüfen es. Wir sagen Ihnen hier, was dabei herauskommt.',
            'Los responsables del archivo lo están examinando. Le diremos aquí el resultado.'
        ),
        (
            'in_review:again',
            'The corrected version that we had announced will not come. The owners of the file are examining it again.',
            'Die angekündigte korrigierte Version kommt nicht. Die Verantwortlichen der Datei prüfen es erneut.',
            'La versión corregida que anunciamos no llegará. Los responsables del archivo lo examinan de nuevo.'
        ),
        (
            'rejected',
            'The owners of the file have examined it and find it to be as intended. If you still see a fault, reopen this and describe it.',
            'Die Verantwortlichen haben die Datei geprüft und finden sie so, wie sie sein soll. Sehen Sie den Fehler weiterhin, öffnen Sie dies wieder und beschreiben Sie ihn.',
            'Los responsables han examinado el archivo y lo consideran correcto. Si aún ve un fallo, reabra esta incidencia y descríbalo.'
        ),
        (
            'replacement_approved',
            'A corrected version has been approved. We tell you as soon as it is in force for you.',
            'Eine korrigierte Version ist freigegeben. Wir sagen Ihnen, sobald sie für Sie gilt.',
            'Se ha aprobado una versión corregida. Le avisaremos en cuanto esté en vigor para usted.'
        ),
        (
            'replacement_published',
            'Version {version} corrects it and is in force for you now.',
            'Version {version} behebt es und gilt jetzt für Sie.',
            'La versión {version} lo corrige y ya está en vigor para usted.'
        ),
        (
            'use',
            'Please use version {version} from now on.',
            'Bitte verwenden Sie ab jetzt Version {version}.',
            'A partir de ahora utilice la versión {version}.'
        ),
        (
            'remove',
            'Please remove every copy of the version that is not meant for your territory, and confirm that you did.',
            'Bitte entfernen Sie alle Kopien der Version, die nicht für Ihr Gebiet bestimmt ist, und bestätigen Sie das.',
            'Elimine todas las copias de la versión que no está destinada a su territorio y confírmelo, por favor.'
        ),
        (
            'delivered',
            'It has been sent to you.',
            'Sie wurde Ihnen zugesandt.',
            'Se le ha enviado.'
        ),
        (
            'not_entitled',
            'You cannot download it at present: please ask your contact for access.',
            'Sie können sie derzeit nicht herunterladen: Bitte fragen Sie Ihren Ansprechpartner nach dem Zugang.',
            'Por ahora no puede descargarla: solicite el acceso a su persona de contacto.'
        ),
        (
            'nothing_instead',
            'There is no version to use in its place at present.',
            'Derzeit gibt es keine Version, die Sie stattdessen verwenden könnten.',
            'Por ahora no hay ninguna versión que la sustituya.'
        ),
        (
            'confirm',
            'Please confirm here that it is settled, or reopen it.',
            'Bitte bestätigen Sie hier, dass es erledigt ist, oder öffnen Sie es wieder.',
            'Confirme aquí que está resuelto o reabra la incidencia.'
        )
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
